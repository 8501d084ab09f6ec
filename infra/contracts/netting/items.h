/* Items: SPL tokens of one unit in the program's escrow, each with an owner of record. */
#pragma once
#include "state.h"

/* TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA */
static const u8 TOKEN_PROGRAM[KEY_SIZE] = {6,   221, 246, 225, 215, 101, 161, 147, 217, 203, 225, 70,  206, 235, 121, 172,
                                           28,  180, 133, 237, 95,  91,  55,  145, 58,  140, 245, 133, 126, 255, 0,   169};
#define TOKEN_ACCOUNT_SIZE 165

static int holds_one(const Account *account, const u8 *mint, const u8 *holder) {
    return is_key(account->owner, TOKEN_PROGRAM) && data_size(account) == TOKEN_ACCOUNT_SIZE &&
           is_key(account->data, mint) && is_key(account->data + 32, holder) && *(u64 *)(account->data + 64) == 1;
}

/* used: from, to, holder, token program. */
static u64 move_token(const Account *const *used, const Bytes *seeds, u64 seeds_count) {
    u8 data[9] = {3, 1};
    Meta metas[] = {{used[0]->key, 1, 0}, {used[1]->key, 1, 0}, {used[2]->key, 0, 1}};
    Invocation transfer = {used[3]->key, metas, 3, data, sizeof(data)};
    REQUIRE(is_key(used[3]->key, TOKEN_PROGRAM), WRONG_TOKEN);
    return invoke(&transfer, used, 4, seeds, seeds_count);
}

/* [item w, owner signer w, config, authority signer, owner's token w, escrow's token w, vault, token, system],
   data: item id u64. The authority signs because it gives the ids. */
static u64 deposit_item(Call *call) {
    REQUIRE(call->count >= 9 && call->data_size == 8, MISSING_ACCOUNTS);
    Account *a = call->accounts, *item = &a[0], *owner = &a[1], *from = &a[4], *escrow = &a[5], *vault = &a[6];
    u64 id = *(const u64 *)call->data;
    u8 vault_address[KEY_SIZE], bump, mint[KEY_SIZE];
    TRY(running(call, &a[2], &a[3]));
    REQUIRE(owner->is_signer, NOT_OWNER);
    Bytes vault_seeds[1];
    vault_seeds[0] = text("vault");
    REQUIRE(!sol_try_find_program_address(vault_seeds, 1, call->program_id, vault_address, &bump), WRONG_ACCOUNT);
    REQUIRE(is_key(vault_address, vault->key), WRONG_ACCOUNT);
    REQUIRE(is_key(from->owner, TOKEN_PROGRAM) && data_size(from) == TOKEN_ACCOUNT_SIZE, WRONG_TOKEN);
    copy(mint, from->data, KEY_SIZE);
    REQUIRE(holds_one(from, mint, owner->key), WRONG_TOKEN);
    const Account *used[] = {from, escrow, owner, &a[7]};
    TRY(move_token(used, 0, 0));
    /* Another unit of the mint in the escrow would be another item's. */
    REQUIRE(holds_one(escrow, mint, vault_address), WRONG_TOKEN);
    Bytes seeds[3];
    seeds[0] = text("item");
    seeds[1] = (Bytes){(const u8 *)&id, 8};
    Birth birth = {item, owner, &a[8], seeds, 2, ITEM, sizeof(Item)};
    TRY(create(call, &birth));
    AT(item, Item)->id = id;
    copy(AT(item, Item)->owner, owner->key, KEY_SIZE);
    copy(AT(item, Item)->mint, mint, KEY_SIZE);
    return 0;
}

/* [item w, owner signer]: wants it back in ten minutes, without the authority. */
static u64 request_item(Call *call) {
    REQUIRE(call->count >= 2 && call->data_size == 0, MISSING_ACCOUNTS);
    Account *item = &call->accounts[0], *owner = &call->accounts[1];
    REQUIRE(OURS(call, item, ITEM, Item), WRONG_ACCOUNT);
    REQUIRE(owner->is_signer && is_key(AT(item, Item)->owner, owner->key), NOT_OWNER);
    AT(item, Item)->requested_at = now();
    return 0;
}

/* [item w, owner signer w, config, authority (signer, or the delay is over), escrow's token w, owner's token w,
   vault, token]. */
static u64 withdraw_item(Call *call) {
    REQUIRE(call->count >= 8 && call->data_size == 0, MISSING_ACCOUNTS);
    Account *a = call->accounts, *account = &a[0], *owner = &a[1], *escrow = &a[4], *to = &a[5], *vault = &a[6];
    REQUIRE(OURS(call, account, ITEM, Item), WRONG_ACCOUNT);
    Item *item = AT(account, Item);
    REQUIRE(owner->is_signer && is_key(item->owner, owner->key), NOT_OWNER);
    if (!a[3].is_signer)
        REQUIRE(item->requested_at && now() - item->requested_at >= WITHDRAWAL_DELAY_S, TOO_EARLY);
    else
        TRY(authorized(call, &a[2], &a[3]));
    u8 vault_address[KEY_SIZE], bump;
    Bytes seeds[2];
    seeds[0] = text("vault");
    REQUIRE(!sol_try_find_program_address(seeds, 1, call->program_id, vault_address, &bump), WRONG_ACCOUNT);
    REQUIRE(is_key(vault_address, vault->key) && holds_one(escrow, item->mint, vault_address), WRONG_ACCOUNT);
    seeds[1] = (Bytes){&bump, 1};
    const Account *used[] = {escrow, to, vault, &a[7]};
    TRY(move_token(used, seeds, 2));
    return close(account, owner);
}
