"""Tell a wallet what it has in the program, and give out nonces for the texts that wallets sign."""

from typing import Annotated

from fastapi import Depends

from functions.netting.adapters import wallet_views as views
from functions.netting.adapters.intent_views import Key
from functions.netting.wiring import Deps, build_deps
from kernel.auth.http import anyone
from kernel.auth.nonces import LIFETIME_S
from kernel.auth.principal import Principal
from kernel.handler.http import api, lambda_handler, wired

app = api("netting", build_deps)
Wired = Annotated[Deps, Depends(wired)]
Anyone = Annotated[Principal, Depends(anyone)]


@app.get("/api/user/nonce")
@app.get("/v1/netting/user/nonce")
def nonce(deps: Wired, _: Anyone) -> views.Nonce:
    """A nonce of 128 bits, for one text that asks for a session key, within five minutes."""
    return views.Nonce(nonce=deps.wallets.session_keys.nonce(), expires_in_s=LIFETIME_S)


@app.get("/api/user/{pubkey}/balance")
@app.get("/v1/netting/user/{pubkey}/balance")
def balance(pubkey: Key, deps: Wired, _: Anyone) -> views.BalanceView:
    """A wallet's funds in the program, and what of them is spoken for."""
    return views.balance_view(pubkey, deps.wallets.custody.balance(pubkey))


handler = lambda_handler(app)
