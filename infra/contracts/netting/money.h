/* Wallets' funds: deposits lock them, withdrawals need the authority or ten minutes. */
#pragma once
#include "state.h"

/* [wallet's ledger w, payer signer w, system], data: owner. Anybody may open anybody's. */
static u64 open_ledger(Call *call) {
    REQUIRE(call->count >= 3 && call->data_size == KEY_SIZE, MISSING_ACCOUNTS);
    Account *ledger = &call->accounts[0];
    u8 owner[KEY_SIZE];
    copy(owner, call->data, KEY_SIZE);
    Bytes seeds[3];
    seeds[0] = text("ledger");
    seeds[1] = (Bytes){owner, KEY_SIZE};
    Birth birth = {ledger, &call->accounts[1], &call->accounts[2], seeds, 2, LEDGER, sizeof(Ledger)};
    TRY(create(call, &birth));
    copy(AT(ledger, Ledger)->owner, owner, KEY_SIZE);
    return 0;
}

/* [ledger w, wallet signer w, system], data: lamports u64. */
static u64 deposit(Call *call) {
    REQUIRE(call->count >= 3 && call->data_size == 8, MISSING_ACCOUNTS);
    Account *ledger = &call->accounts[0], *wallet = &call->accounts[1], *system = &call->accounts[2];
    u64 lamports = *(const u64 *)call->data;
    REQUIRE(OURS(call, ledger, LEDGER, Ledger), WRONG_ACCOUNT);
    REQUIRE(is_key(AT(ledger, Ledger)->owner, wallet->key), NOT_OWNER);
    TRY(pay(wallet, ledger, system, lamports));
    AT(ledger, Ledger)->locked += lamports;
    return 0;
}

/* [ledger w, wallet signer], data: lamports u64; 0 takes the request back. */
static u64 request_withdrawal(Call *call) {
    REQUIRE(call->count >= 2 && call->data_size == 8, MISSING_ACCOUNTS);
    Account *ledger = &call->accounts[0], *wallet = &call->accounts[1];
    REQUIRE(OURS(call, ledger, LEDGER, Ledger), WRONG_ACCOUNT);
    REQUIRE(wallet->is_signer && is_key(AT(ledger, Ledger)->owner, wallet->key), NOT_OWNER);
    AT(ledger, Ledger)->requested = *(const u64 *)call->data;
    AT(ledger, Ledger)->requested_at = now();
    return 0;
}

/* [ledger w, wallet signer w, config, authority (signer, or the delay is over)], data: lamports u64. */
static u64 withdraw(Call *call) {
    REQUIRE(call->count >= 4 && call->data_size == 8, MISSING_ACCOUNTS);
    Account *account = &call->accounts[0], *wallet = &call->accounts[1];
    u64 lamports = *(const u64 *)call->data;
    REQUIRE(OURS(call, account, LEDGER, Ledger), WRONG_ACCOUNT);
    Ledger *ledger = AT(account, Ledger);
    REQUIRE(wallet->is_signer && is_key(ledger->owner, wallet->key), NOT_OWNER);
    REQUIRE(lamports <= ledger->locked, INSUFFICIENT_FUNDS);
    if (!call->accounts[3].is_signer) {
        REQUIRE(ledger->requested >= lamports && now() - ledger->requested_at >= WITHDRAWAL_DELAY_S, TOO_EARLY);
        ledger->requested -= lamports;
    } else
        TRY(authorized(call, &call->accounts[2], &call->accounts[3]));
    ledger->locked -= lamports;
    *account->lamports -= lamports;
    *wallet->lamports += lamports;
    return 0;
}
