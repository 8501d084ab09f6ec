"""What comes in a month at 1x, and how often which function is called for it. Stated, not measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HOURS: Final = 730
MINUTES: Final = HOURS * 60
#: Voting rounds of 90 s.
ROUNDS: Final = HOURS * 40


@dataclass(frozen=True, slots=True)
class Load:
    """So many in a month at 1x; what does not scale is the same at any load."""

    count: int
    scales: bool
    meaning: str


LOADS: Final[Mapping[str, Load]] = {
    "minute": Load(MINUTES, False, "minutes of a month"),
    "hour": Load(HOURS, False, "hours of a month"),
    "day": Load(HOURS // 24, False, "days of a month"),
    "ten minutes": Load(MINUTES // 10, False, "times ten minutes of a month"),
    "five minutes": Load(MINUTES // 5, False, "times five minutes of a month"),
    "round": Load(ROUNDS, False, "voting rounds of 90 s; a provider submits in each, whoever reads"),
    "reward epoch": Load(9, False, "reward epochs of three and a half days"),
    "collection": Load(HOURS * 180, False, "collections of prices, one every 20 s"),
    "check": Load(10 * MINUTES, False, "checks of ten wallets, each every minute"),
    "read": Load(1_000_000, True, "reads of prices over HTTP"),
    "push": Load(50_000, True, "prices that collectors elsewhere push"),
    "transfer": Load(3_000, True, "transfers of the treasury, half of them on Solana"),
    "deposit": Load(1_000, True, "deposits from outside"),
    "order": Load(3_000, True, "orders of the bridge"),
    "intent": Load(3_000, True, "posts of ten trade intents each"),
    "settlement": Load(800, True, "settlement transactions, one for forty intents"),
    "custody": Load(1_000, True, "deposits, withdrawals and session keys of traders"),
    "market": Load(100, True, "exchanges of NFTs, of forty agents each"),
    "contest": Load(300, True, "contests of an hour, fifty entrants each"),
    "entry": Load(15_000, True, "entries into contests, with four trades and twenty looks each"),
    "grant": Load(1_000, True, "grants of the faucet"),
    "click": Load(50_000, True, "clicks of referrals"),
    "vanity": Load(300, True, "addresses with a pattern"),
    "event": Load(5_000, True, "webhooks of chain providers"),
    "delivery": Load(10_000, True, "webhooks to others"),
    "news": Load(50_000, True, "messages published to WebSocket topics, each to 20 readers"),
    "connection": Load(5_000, True, "WebSocket connections of four hours"),
    "word": Load(100_000, True, "messages of WebSocket clients"),
    "job": Load(100, True, "offloaded jobs of a minute on a GPU"),
    "pin": Load(1_000, True, "pinned contents"),
    "look": Load(2_000, True, "calls of each API that people use: treasury, trace, signatures, …"),
    "accident": Load(10, True, "messages that end as dead letters"),
}
READERS, CONNECTION_MINUTES, GPU_S = 20, 240, 60
#: How often an outbox entry is advanced from its record to its end, a finaliser looks, a job is polled.
ADVANCES, LOOKS, POLLS = 6, 10, 12
#: An escrow is asked every 15 s whether it has closed an order, for the quarter of an hour that a message takes.
CLOSING_LOOKS = 60
#: A settlement is looked after every second until it is final.
SETTLING_LOOKS = 15
#: A proof is asked after until it is there, posted trades until they are final.
PROVING_LOOKS, POSTING_LOOKS = 6, 20
#: A contest's values are taken every 15 s; its payments are looked after until they are final.
SNAPSHOTS, PAYING_LOOKS = 240, 20
#: Three payouts, an advance, a sweep.
PAYMENTS = 5
_PEOPLE = (
    *("http_access", "http_audit", "http_breakers", "http_docs", "http_inlets", "http_sessions", "http_signatures"),
    *("http_tasks", "http_trace", "http_webhooks"),
)
_PLAYERS = ("http_admin", "http_whitelist")
_TRADERS = ("http_batches", "http_items", "http_listings", "http_user")
#: service/function -> load -> calls for one of it.
CALLS: Final[Mapping[str, Mapping[str, int]]] = {
    "oracle/cron_collect": {"minute": 1},
    "oracle/cron_plan_rounds": {"minute": 1},
    "oracle/cron_roll_up": {"minute": 1},
    "oracle/cron_export_points": {"hour": 1},
    "oracle/queue_export_points": {"day": 1},
    "oracle/queue_collect": {"collection": 1},
    "oracle/queue_commit": {"round": 1},
    "oracle/queue_publish_prices": {"round": 1},
    "oracle/queue_reveal": {"round": 1},
    "oracle/queue_sign": {"round": 1},
    "oracle/queue_finalise": {"round": LOOKS},
    "oracle/cron_plan_rewards": {"minute": 1},
    "oracle/queue_record_round": {"round": 1},
    "oracle/queue_register": {"reward epoch": LOOKS},
    "oracle/queue_sign_rewards": {"reward epoch": 10 * LOOKS},
    "oracle/queue_claim_rewards": {"reward epoch": LOOKS},
    "oracle/queue_submit_transaction": {"round": 3 * ADVANCES, "reward epoch": 3 * ADVANCES},
    "oracle/cron_observe": {"minute": 1},
    "oracle/queue_observe": {"round": 1},
    "oracle/cron_grow_forest": {"hour": 1},
    "oracle/queue_grow_forest": {"day": 1},
    "oracle/queue_try_forest": {"day": 1},
    "oracle/http_anomaly": {"look": 1},
    "oracle/http_performance": {"look": 1},
    "oracle/http_prices": {"read": 1},
    "oracle/http_ingest": {"push": 1},
    "ops/cron_check_treasury": {"minute": 1},
    "ops/cron_follow_inlets": {"minute": 1},
    "ops/cron_sweep_tasks": {"minute": 1},
    "ops/cron_partitions": {"hour": 1},
    "ops/cron_retention": {"hour": 1},
    "ops/cron_rotate_keys": {"hour": 1},
    "ops/cron_tell_audit_head": {"hour": 1},
    "ops/http_health": {"minute": 1},
    "ops/http_metrics": {"minute": 1},
    "ops/http_hooks": {"event": 1, "job": 1},
    "ops/http_treasury": {"transfer": 2, "look": 1},
    "ops/queue_check_wallet": {"check": 1},
    "ops/queue_take_deposit": {"deposit": 2},
    "ops/queue_submit_evm_transaction": {"transfer": ADVANCES // 2, "deposit": ADVANCES // 2},
    "ops/queue_submit_solana_transaction": {"transfer": ADVANCES // 2, "deposit": ADVANCES // 2},
    "ops/queue_deliver_webhook": {"delivery": 1},
    "ops/queue_fan_out": {"news": 1},
    "ops/queue_poll_offload": {"job": POLLS},
    "ops/queue_repair_pin": {"pin": 2},
    "ops/queue_dead_letters": {"accident": 1},
    "ops/ws_connect": {"connection": 1},
    "ops/ws_disconnect": {"connection": 1},
    "ops/ws_default": {"word": 1},
    "bridge/cron_index_orders": {"minute": 1},
    "bridge/cron_accepted_orders": {"five minutes": 1},
    "bridge/cron_retry_failed": {"five minutes": 1},
    "bridge/cron_rebalance": {"five minutes": 1},
    "bridge/queue_chain_events": {"order": 2},
    "bridge/queue_decide_order": {"order": 2},
    "bridge/queue_fill_order": {"order": 1},
    "bridge/queue_submit_l1_transaction": {"order": 2 * ADVANCES},
    "bridge/queue_claim_orders": {"order": 1},
    "bridge/queue_close_order": {"order": CLOSING_LOOKS},
    "bridge/http_bridge": {"order": 4},
    "netting/cron_plan_batches": {"minute": 1},
    "netting/cron_poll_program": {"minute": 1},
    "netting/http_intents": {"intent": 1},
    "netting/http_custody": {"custody": 2},
    "netting/http_session_keys": {"custody": 2},
    "netting/queue_net_batch": {"minute": 2},
    "netting/queue_settle_batch": {"settlement": SETTLING_LOOKS},
    "netting/queue_submit_settlement": {"settlement": ADVANCES, "custody": ADVANCES},
    "netting/queue_netting_events": {"settlement": 2, "custody": 2},
    "netting/queue_index_batch": {"settlement": 1},
    "netting/queue_close_withdrawal": {"custody": 1},
    "barter/cron_follow_watches": {"minute": 1},
    "barter/cron_timeouts": {"minute": 1},
    "barter/http_rpc": {"market": PROVING_LOOKS},
    "barter/http_barter": {"look": 1},
    "barter/queue_exchange_events": {"market": 4},
    "barter/queue_advance_phase": {"market": 4},
    "barter/queue_prove": {"market": PROVING_LOOKS},
    "barter/queue_post_trades": {"market": POSTING_LOOKS},
    "barter/queue_submit_barter_transaction": {"market": 4 * ADVANCES},
    "contests/cron_open_contests": {"minute": 1},
    "contests/cron_evaluate_contests": {"minute": 1},
    "contests/cron_generate_wallets": {"five minutes": 1},
    "contests/cron_top_up_vanity": {"minute": 1},
    "contests/cron_faucet": {"hour": 1},
    "contests/cron_sync_tokens": {"minute": 1},
    "contests/cron_market_data": {"minute": 1},
    "contests/cron_rake": {"ten minutes": 1},
    "contests/cron_referrals": {"five minutes": 1},
    "contests/http_contests": {"entry": 25},
    "contests/http_faucet": {"grant": 1},
    "contests/http_market_data": {"push": 1, "look": 1},
    "contests/http_referrals": {"click": 1, "entry": 1},
    "contests/queue_step_contest": {"contest": 2},
    "contests/queue_take_snapshot": {"contest": SNAPSHOTS},
    "contests/queue_sync_token_list": {"minute": 2},
    "contests/queue_refresh_market": {"minute": 4},
    "contests/queue_evaluate_contest": {"contest": 1},
    "contests/queue_pay_prizes": {"contest": PAYING_LOOKS},
    "contests/queue_refund_entries": {"contest": 1},
    "contests/queue_award_achievements": {"contest": 1},
    "contests/queue_assign_wallet": {"contest": 1},
    "contests/queue_collect_vanity": {"vanity": POLLS},
    "contests/queue_seal_export": {"accident": 1},
    "contests/queue_submit_contests_transaction": {"contest": PAYMENTS * ADVANCES, "grant": ADVANCES},
    **{f"contests/{name}": {"look": 1} for name in _PLAYERS},
    **{f"netting/{name}": {"look": 1} for name in _TRADERS},
    **{f"ops/{name}": {"look": 1} for name in _PEOPLE},
}
