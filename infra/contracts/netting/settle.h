/* Settlement: what a batch moved, whole or in parts. Data is Borsh; reading never leaves it. */
#pragma once
#include "state.h"

#define NET_BATCH_SETTLED 0x7df0c78e3c8a9beaULL
#define STATE_ROOT_SETTLED 0x0498e2ed271ff1bbULL

typedef struct {
    const u8 *at, *end;
    int is_short;
} Reader;

static const u8 *take(Reader *reader, u64 size) {
    static const u8 nothing[KEY_SIZE] = {0};
    if (reader->is_short || (u64)(reader->end - reader->at) < size) {
        reader->is_short = 1;
        return nothing;
    }
    const u8 *taken = reader->at;
    reader->at += size;
    return taken;
}

static u64 take_u64(Reader *reader) { return *(const u64 *)take(reader, 8); }
static u64 take_u32(Reader *reader) { return *(const u32 *)take(reader, 4); }
static int is_read(const Reader *reader) { return !reader->is_short && reader->at == reader->end; }

static u64 settle_item(Call *call, u64 nth, Reader *data) {
    REQUIRE(nth < call->count, MISSING_ACCOUNTS);
    Account *account = &call->accounts[nth];
    u64 id = take_u64(data);
    const u8 *owner = take(data, KEY_SIZE);
    REQUIRE(!data->is_short, INVALID_INSTRUCTION);
    REQUIRE(OURS(call, account, ITEM, Item) && account->is_writable && AT(account, Item)->id == id, WRONG_ACCOUNT);
    copy(AT(account, Item)->owner, owner, KEY_SIZE);
    AT(account, Item)->requested_at = 0; /* it was the former owner who wanted it back */
    return 0;
}

static u64 add_to_ledger(Call *call, u64 nth, const u8 *owner, i64 delta) {
    REQUIRE(nth < call->count, MISSING_ACCOUNTS);
    Account *account = &call->accounts[nth];
    REQUIRE(OURS(call, account, LEDGER, Ledger) && account->is_writable, WRONG_ACCOUNT);
    Ledger *ledger = AT(account, Ledger);
    REQUIRE(is_key(ledger->owner, owner), WRONG_ACCOUNT);
    REQUIRE(delta > -POSITION_LIMIT && delta < POSITION_LIMIT, POSITION_TOO_LARGE);
    REQUIRE(delta >= 0 || ledger->locked >= (u64)-delta, INSUFFICIENT_FUNDS);
    ledger->locked += delta;
    *account->lamports += delta;
    return 0;
}

static int comes_again(const u8 *list, u64 count, u64 step, u64 width) {
    for (u64 n = 1; n < count; n++)
        for (u64 m = 0; m < n; m++)
            if (is_same(list + n * step, list + m * step, width)) return 1;
    return 0;
}

static void tell_settled(u64 batch_id, u32 items, u32 wallets, const u8 *batch_hash) {
    u8 event[64];
    *(u64 *)event = NET_BATCH_SETTLED;
    *(u64 *)(event + 8) = batch_id;
    *(u32 *)(event + 16) = items;
    *(u32 *)(event + 20) = wallets;
    copy(event + 24, batch_hash, KEY_SIZE);
    *(i64 *)(event + 56) = now();
    Bytes field = {event, sizeof(event)};
    sol_log_data(&field, 1);
}

static u64 next_batch(Account *config, u64 batch_id) {
    REQUIRE(config->is_writable && batch_id > AT(config, Config)->last_batch_id, BATCH_NOT_NEW);
    AT(config, Config)->last_batch_id = batch_id;
    return 0;
}

/* [config w, authority signer, clock, items w ..., ledgers w ...],
   data: batch_id u64, batch_hash, Vec<{item u64, owner}>, Vec<{owner, delta i64}>. */
static u64 settle_net_batch(Call *call) {
    REQUIRE(call->count >= 3, MISSING_ACCOUNTS);
    TRY(running(call, &call->accounts[0], &call->accounts[1]));
    Reader data = {call->data, call->data + call->data_size, 0};
    u64 batch_id = take_u64(&data), nth = 3;
    const u8 *batch_hash = take(&data, KEY_SIZE);
    REQUIRE(!data.is_short, INVALID_INSTRUCTION);
    TRY(next_batch(&call->accounts[0], batch_id));

    u64 items = take_u32(&data);
    REQUIRE(items <= ITEMS_MAX, TOO_MANY);
    const u8 *list = data.at;
    for (u64 n = 0; n < items; n++) TRY(settle_item(call, nth++, &data));
    REQUIRE(!comes_again(list, items, 8 + KEY_SIZE, 8), DUPLICATE_ITEM);

    u64 wallets = take_u32(&data);
    REQUIRE(wallets <= DELTAS_MAX, TOO_MANY);
    list = data.at;
    i64 sum = 0;
    for (u64 n = 0; n < wallets; n++) {
        const u8 *owner = take(&data, KEY_SIZE);
        i64 delta = (i64)take_u64(&data);
        REQUIRE(!data.is_short, INVALID_INSTRUCTION);
        TRY(add_to_ledger(call, nth++, owner, delta)); /* bounds delta, so that the sum cannot overflow */
        sum += delta;
    }
    REQUIRE(is_read(&data), INVALID_INSTRUCTION);
    REQUIRE(!comes_again(list, wallets, KEY_SIZE + 8, KEY_SIZE), DUPLICATE_WALLET);
    REQUIRE(sum == 0, UNBALANCED);
    tell_settled(batch_id, items, wallets, batch_hash);
    return 0;
}

/* [config w, authority signer w, clearing w, system], data: batch_id u64, parts u32, batch_hash. */
static u64 begin_parts(Call *call) {
    REQUIRE(call->count >= 4, MISSING_ACCOUNTS);
    Account *a = call->accounts;
    TRY(running(call, &a[0], &a[1]));
    Reader data = {call->data, call->data + call->data_size, 0};
    u64 batch_id = take_u64(&data), parts = take_u32(&data);
    const u8 *batch_hash = take(&data, KEY_SIZE);
    REQUIRE(is_read(&data) && parts > 0, INVALID_INSTRUCTION);
    TRY(next_batch(&a[0], batch_id));
    Bytes seeds[3];
    seeds[0] = text("clearing");
    seeds[1] = (Bytes){(const u8 *)&batch_id, 8};
    Birth birth = {&a[2], &a[1], &a[3], seeds, 2, CLEARING, sizeof(Clearing)};
    TRY(create(call, &birth));
    Clearing *clearing = AT(&a[2], Clearing);
    clearing->batch_id = batch_id;
    clearing->parts = parts;
    copy(clearing->batch_hash, batch_hash, KEY_SIZE);
    return 0;
}

static u64 move_amounts(Call *call, u64 *nth, Reader *data, i64 sign, u64 *count) {
    Clearing *clearing = AT(&call->accounts[2], Clearing);
    *count = take_u32(data);
    const u8 *list = data->at;
    for (u64 n = 0; n < *count; n++) {
        const u8 *owner = take(data, KEY_SIZE);
        u64 lamports = take_u64(data);
        REQUIRE(!data->is_short, INVALID_INSTRUCTION);
        REQUIRE(lamports < (u64)POSITION_LIMIT, POSITION_TOO_LARGE);
        REQUIRE(sign < 0 || clearing->balance >= lamports, UNBALANCED);
        TRY(add_to_ledger(call, (*nth)++, owner, sign * (i64)lamports));
        clearing->balance -= sign * (i64)lamports;
        *call->accounts[2].lamports -= sign * (i64)lamports;
    }
    REQUIRE(!comes_again(list, *count, KEY_SIZE + 8, KEY_SIZE), DUPLICATE_WALLET);
    return 0;
}

/* [config, authority signer w, clearing w, ledgers w of debits ..., of credits ..., items w ...],
   data: batch_id u64, index u32, debits Vec<{owner, u64}>, credits Vec<{owner, u64}>, items Vec<{item u64, owner}>.
   Every debit of the batch comes before its first credit or item; the last part leaves nothing in the clearing. */
static u64 settle_part(Call *call) {
    REQUIRE(call->count >= 3, MISSING_ACCOUNTS);
    Account *a = call->accounts;
    TRY(running(call, &a[0], &a[1]));
    REQUIRE(OURS(call, &a[2], CLEARING, Clearing), WRONG_ACCOUNT);
    Clearing *clearing = AT(&a[2], Clearing);
    Reader data = {call->data, call->data + call->data_size, 0};
    u64 batch_id = take_u64(&data), index = take_u32(&data), nth = 3, debits, credits;
    REQUIRE(clearing->batch_id == batch_id, WRONG_ACCOUNT);
    REQUIRE(clearing->next == index, OUT_OF_ORDER);

    TRY(move_amounts(call, &nth, &data, -1, &debits));
    REQUIRE(!debits || !clearing->is_giving, DEBIT_AFTER_CREDIT);
    TRY(move_amounts(call, &nth, &data, 1, &credits));
    u64 items = take_u32(&data);
    const u8 *list = data.at;
    for (u64 n = 0; n < items; n++) TRY(settle_item(call, nth++, &data));
    REQUIRE(is_read(&data), INVALID_INSTRUCTION);
    REQUIRE(!comes_again(list, items, 8 + KEY_SIZE, 8), DUPLICATE_ITEM);

    clearing->is_giving |= credits || items;
    clearing->items += items;
    clearing->wallets += debits + credits;
    clearing->next = index + 1;
    if (clearing->next < clearing->parts) return 0;
    REQUIRE(clearing->balance == 0, UNBALANCED);
    tell_settled(batch_id, clearing->items, clearing->wallets, clearing->batch_hash);
    return close(&a[2], &a[1]);
}

/* [config, authority signer w, state root w, system],
   data: batch_id u64, root, da_hash, num_intents u64, num_items u64. The newest root is kept; all are told. */
static u64 settle_state_root(Call *call) {
    REQUIRE(call->count >= 4, MISSING_ACCOUNTS);
    Account *a = call->accounts;
    TRY(running(call, &a[0], &a[1]));
    Reader data = {call->data, call->data + call->data_size, 0};
    const u8 *told = data.at;
    u64 batch_id = take_u64(&data);
    take(&data, 2 * KEY_SIZE + 16);
    REQUIRE(is_read(&data), INVALID_INSTRUCTION);
    if (!OURS(call, &a[2], STATE_ROOT, StateRoot)) {
        Bytes seeds[2];
        seeds[0] = text("state_root");
        Birth birth = {&a[2], &a[1], &a[3], seeds, 1, STATE_ROOT, sizeof(StateRoot)};
        TRY(create(call, &birth));
    }
    REQUIRE(batch_id > AT(&a[2], StateRoot)->batch_id, BATCH_NOT_NEW);
    copy(a[2].data + 8, told, sizeof(StateRoot) - 8);

    u8 event[8 + sizeof(StateRoot)];
    *(u64 *)event = STATE_ROOT_SETTLED;
    copy(event + 8, told, sizeof(StateRoot) - 8);
    *(i64 *)(event + sizeof(StateRoot)) = now();
    Bytes field = {event, sizeof(event)};
    sol_log_data(&field, 1);
    return 0;
}
