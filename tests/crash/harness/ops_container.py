"""One container of the ops slice in a scenario: dependencies as wiring.py builds them, a wallet whose key is sealed."""

from functools import cached_property

from functions.ops.adapters.chains import KEY_PURPOSE, EvmChain
from functions.ops.adapters.hook_settings import HookSettings
from functions.ops.wiring import ROLE, Settings, SignerDeps
from kernel.keys.evm import LocalSigner
from kernel.treasury.wallets import OperatorWallet
from tests.crash.harness.evm_desk import CHAIN_ID
from tests.crash.harness.serving import kernel_of
from tests.crash.harness.world import World

CHAIN, WRAPPING_KEY = f"evm:{CHAIN_ID}", "alias/crash"
POLL_S = 8.0


class OpsContainer:
    """One container of the slice."""

    hooks: tuple[HookSettings, ...] = ()

    def __init__(self, world: World) -> None:
        self.world = world
        self.wallet = LocalSigner(world.secret("wallet")).address

    @cached_property
    def deps(self) -> SignerDeps:
        """As wiring.py builds them, over this world."""
        urls = "plain:" + " ".join(self.world.rpc_urls("evm"))
        settings = Settings(chains=(EvmChain(chain=CHAIN, rpc_urls=urls, poll_s=POLL_S),), hooks=self.hooks)
        return SignerDeps(kernel_of(self.world, ROLE, key_id=WRAPPING_KEY), settings)

    def open(self) -> None:
        """The wallet's key is sealed, its balance final, and its books are open."""
        world, kms = self.world, self.world.aws_client("kms")
        if WRAPPING_KEY not in {one["AliasName"] for one in kms.list_aliases()["Aliases"]}:
            kms.create_alias(AliasName=WRAPPING_KEY, TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
        self.deps.kernel.vault.keep(world.secret("wallet"), actor="crash", purpose=KEY_PURPOSE, chain=CHAIN)
        world.evm.fund(self.wallet)
        world.evm.mine(3)
        wallet = OperatorWallet(service="ops", chain=CHAIN, address=self.wallet, floor=0, target=0)
        self.deps.treasury.declare(wallet, actor="crash", reason="a scenario")
        self.deps.checks.check(CHAIN, self.wallet)
