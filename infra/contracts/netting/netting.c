/* The netting program: wallets' funds and items in escrow, moved by batches that the authority has netted. One room a
   header: runtime.h (the machine), state.h (accounts), money.h, items.h, settle.h, sessions.h. */
#include "items.h"
#include "money.h"
#include "sessions.h"
#include "settle.h"

/* [config w, authority signer w, system]. Whoever comes first; a deployment does it in its first transaction. */
static u64 initialize(Call *call) {
    REQUIRE(call->count >= 3 && call->data_size == 0, MISSING_ACCOUNTS);
    Account *a = call->accounts;
    Bytes seeds[2];
    seeds[0] = text("config");
    Birth birth = {&a[0], &a[1], &a[2], seeds, 1, CONFIG, sizeof(Config)};
    TRY(create(call, &birth));
    copy(AT(&a[0], Config)->authority, a[1].key, KEY_SIZE);
    return 0;
}

/* [config w, authority signer], data: bool. Withdrawals go on while it is paused. */
static u64 set_paused(Call *call) {
    REQUIRE(call->count >= 2, MISSING_ACCOUNTS);
    REQUIRE(call->data_size == 1 && call->data[0] <= 1, INVALID_INSTRUCTION);
    TRY(authorized(call, &call->accounts[0], &call->accounts[1]));
    AT(&call->accounts[0], Config)->is_paused = call->data[0];
    return 0;
}

u64 entrypoint(u8 *input) {
    Call call;
    TRY(read_input(input, &call));
    REQUIRE(call.data_size >= 8, INVALID_INSTRUCTION);
    u64 name = *(const u64 *)call.data;
    call.data += 8;
    call.data_size -= 8;
    /* sha256("global:<name>")[..8] */
    switch (name) {
    case 0xed9b980d1f6dafafULL: return initialize(&call);
    case 0xdaa6e1b0c07d3c5bULL: return set_paused(&call);
    case 0x2a77fbece8bd6736ULL: return open_ledger(&call);
    case 0xb6f2e15289c623f2ULL: return deposit(&call);
    case 0xb10cc938cd7955fbULL: return request_withdrawal(&call);
    case 0x22a16d949c4612b7ULL: return withdraw(&call);
    case 0xe0279c278a3b8dd4ULL: return deposit_item(&call);
    case 0x704253ebce1daf36ULL: return request_item(&call);
    case 0xad87da1345287c02ULL: return withdraw_item(&call);
    case 0xe9b7c7312c3c5e45ULL: return register_session_key(&call);
    case 0x979074686e20c051ULL: return revoke_session_key(&call);
    case 0x2f4d773d160469bfULL: return settle_net_batch(&call);
    case 0xc5396f486a50b6c7ULL: return begin_parts(&call);
    case 0x6007e0979c0ed0deULL: return settle_part(&call);
    case 0x28599eec5637e75cULL: return settle_state_root(&call);
    default: return INVALID_INSTRUCTION;
    }
}
