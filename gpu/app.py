"""The Modal app: each function carries one pure function of this folder onto a GPU. `modal deploy gpu/app.py`.

Importing it needs no account, no GPU and no CuPy, and every container imports it: what one function needs is imported
in that function. What a function returns is plain JSON; gpu/carrier.py says which.
"""

from typing import Any

import modal

from gpu import carrier, settings

APP = "counterpart"

app = modal.App(APP)

image = (
    modal.Image.debian_slim(python_version="3.13")
    .uv_pip_install("numpy==2.4.6", "cupy-cuda12x[ctk]==14.2.0")
    .add_local_python_source("gpu")
)
learner = (
    modal.Image.debian_slim(python_version="3.13")
    .uv_pip_install("numpy==2.4.6", "scikit-learn==1.9.1")
    .add_local_python_source("gpu")
)
grinder = (
    modal.Image.debian_slim(python_version="3.13")
    .uv_pip_install("cryptography==50.0.2", "pynacl==1.6.2")
    .add_local_python_source("gpu")
)
prover = (
    modal.Image.debian_slim(python_version="3.13")
    .uv_pip_install("safe-pysha3==1.0.7", "zksnake==0.1.0")
    .env({"COUNTERPART_EXCHANGE_KEYS": "/keys"})
    .add_local_python_source("gpu")
)
#: Proving keys as <image id>.zkey, for jobs that do not bring theirs.
keys = modal.Volume.from_name("counterpart-exchange-keys", create_if_missing=True)
#: What gpu/settings.py reads.
hook = modal.Secret.from_name("counterpart-hook")


# Whoever waits for a result begins the next attempt; a retry of Modal's own would write to the same output twice.
@app.function(image=image, gpu="L4", memory=4_096, timeout=900, retries=0, max_containers=4, secrets=[hook])
def weighted_medians(call: dict[str, Any]) -> dict[str, Any]:
    """Medians and quartiles of many columns of votes (gpu/reduce/medians.py)."""
    from gpu.reduce import medians

    return carrier.carried(call, medians.run_on_gpu, settings.hook())


@app.function(image=learner, cpu=2, memory=4_096, timeout=900, retries=0, max_containers=4, secrets=[hook])
def isolation_forest(call: dict[str, Any]) -> dict[str, Any]:
    """An isolation forest of what is usual (gpu/forest/grow.py); scikit-learn knows no GPU."""
    from gpu.forest import grow

    return carrier.carried(call, grow.run, settings.hook())


@app.function(image=grinder, cpu=1, memory=512, timeout=900, retries=0, max_containers=8, secrets=[hook])
def vanity_key(call: dict[str, Any]) -> dict[str, Any]:
    """A key whose address has a pattern, sealed to whoever asked (gpu/vanity/grind.py); on a processor so far."""
    from gpu.vanity import grind

    return carrier.carried(call, grind.run, settings.hook())


@app.function(
    image=prover, cpu=8, memory=8_192, timeout=900, retries=0, max_containers=2, secrets=[hook], volumes={"/keys": keys}
)
def exchange_proof(call: dict[str, Any]) -> dict[str, Any]:
    """A proof that an allocation is that of top trading cycles (gpu/exchange/prove.py); its sums are on the CPU."""
    from gpu.exchange import prove

    return carrier.carried(call, prove.run_in_public, settings.hook())
