/* The program's accounts as they lie in memory, its limits, and what it refuses. */
#pragma once
#include "runtime.h"

#define POSITION_LIMIT 1000000000000LL
#define ITEMS_MAX 10000
#define DELTAS_MAX 5000
#define WITHDRAWAL_DELAY_S 600

enum {
    UNAUTHORIZED = 6000,
    PAUSED = 6001,
    UNBALANCED = 6002,
    DUPLICATE_ITEM = 6003,
    POSITION_TOO_LARGE = 6004,
    TOO_MANY = 6005,
    WRONG_ACCOUNT = 6006,
    INSUFFICIENT_FUNDS = 6007,
    NOT_OWNER = 6008,
    TOO_EARLY = 6009,
    OUT_OF_ORDER = 6010,
    DEBIT_AFTER_CREDIT = 6011,
    WRONG_TOKEN = 6012,
    NOT_SIGNED = 6013,
    SESSION_UNFIT = 6014,
    ALREADY_THERE = 6015,
    DUPLICATE_WALLET = 6017,
    BATCH_NOT_NEW = 6023,
};

/* The first eight octets of sha256("account:<Name>"), as a little-endian number. */
#define CONFIG 0x82ccfa1ee0aa0c9bULL
#define LEDGER 0x205fb0b4d515292bULL
#define ITEM 0xd856fe4882a39d5cULL
#define SESSION_KEY 0x7051ffa08ba3ba5dULL
#define CLEARING 0x2ef62e157c7aa2cdULL
#define STATE_ROOT 0x334fbacaa509de74ULL

/* "config" */
typedef struct {
    u64 kind;
    u8 authority[KEY_SIZE];
    u64 last_batch_id;
    u64 is_paused;
} Config;

/* "ledger", owner. The account holds `locked` lamports beside its rent. */
typedef struct {
    u64 kind;
    u8 owner[KEY_SIZE];
    u64 locked;
    u64 requested; /* to be withdrawn without the authority, from requested_at + the delay on */
    i64 requested_at;
} Ledger;

/* "item", id. While it exists, the escrow of its mint holds the token. */
typedef struct {
    u64 kind;
    u64 id;
    u8 owner[KEY_SIZE];
    u8 mint[KEY_SIZE];
    i64 requested_at; /* 0: nobody wants it back */
} Item;

/* "session_key", owner, session */
typedef struct {
    u64 kind;
    u8 owner[KEY_SIZE];
    u8 session[KEY_SIZE];
    u64 max_volume;
    i64 expires_at;
    u64 is_revoked;
} SessionKey;

/* "clearing", batch id. Holds `balance` lamports between the debits and the credits of a batch in parts. */
typedef struct {
    u64 kind;
    u64 batch_id;
    u8 batch_hash[KEY_SIZE];
    u64 parts, next;
    u64 balance;
    u64 items, wallets;
    u64 is_giving;
} Clearing;

/* "state_root" */
typedef struct {
    u64 kind;
    u64 batch_id;
    u8 root[KEY_SIZE];
    u8 da_hash[KEY_SIZE];
    u64 intents, items;
} StateRoot;

/* Whoever owns an account wrote it: one of ours that names its kind was made by `create` below, at its own address. */
static int is_ours(const Call *call, const Account *account, u64 kind, u64 size) {
    return is_key(account->owner, call->program_id) && data_size(account) == size && *(const u64 *)account->data == kind;
}

#define OURS(call, account, kind, Type) is_ours(call, account, kind, sizeof(Type))
#define AT(account, Type) ((Type *)(account)->data)

static u64 authorized(const Call *call, const Account *config, const Account *authority) {
    REQUIRE(OURS(call, config, CONFIG, Config), WRONG_ACCOUNT);
    REQUIRE(authority->is_signer && is_key(AT(config, Config)->authority, authority->key), UNAUTHORIZED);
    return 0;
}

static u64 running(const Call *call, const Account *config, const Account *authority) {
    TRY(authorized(call, config, authority));
    REQUIRE(!AT(config, Config)->is_paused, PAUSED);
    return 0;
}

/* An account to be made at the address of the seeds, of which there are `seeds_count` and room for the bump. */
typedef struct {
    Account *account;
    const Account *payer, *system;
    Bytes *seeds;
    u64 seeds_count, kind, size;
} Birth;

static u64 from_system(const Account *account, u32 name, const u8 *argument, u64 argument_size, const Birth *birth) {
    u8 data[4 + KEY_SIZE] = {name};
    copy(data + 4, argument, argument_size);
    Meta metas[] = {{account->key, 1, 1}};
    Invocation invocation = {birth->system->key, metas, 1, data, 4 + argument_size};
    const Account *used[] = {account, birth->system};
    return invoke(&invocation, used, 2, birth->seeds, birth->seeds_count + 1);
}

static u64 pay(const Account *from, const Account *to, const Account *system, u64 lamports) {
    static const u8 system_id[KEY_SIZE] = {0};
    REQUIRE(is_key(system->key, system_id), WRONG_ACCOUNT);
    u8 data[12] = {2};
    copy(data + 4, (const u8 *)&lamports, 8);
    Meta metas[] = {{from->key, 1, 1}, {to->key, 1, 0}};
    Invocation transfer = {system->key, metas, 2, data, sizeof(data)};
    const Account *used[] = {from, to, system};
    return invoke(&transfer, used, 3, 0, 0);
}

/* Make it; the payer gives the rent. */
static u64 create(const Call *call, const Birth *birth) {
    u8 address[KEY_SIZE], bump;
    Account *account = birth->account;
    REQUIRE(birth->payer->is_signer, UNAUTHORIZED);
    REQUIRE(!is_key(account->owner, call->program_id), ALREADY_THERE);
    REQUIRE(!sol_try_find_program_address(birth->seeds, birth->seeds_count, call->program_id, address, &bump),
            WRONG_ACCOUNT);
    REQUIRE(is_key(address, account->key), WRONG_ACCOUNT);
    birth->seeds[birth->seeds_count] = (Bytes){&bump, 1};

    /* Somebody may have sent lamports there before, and create_account refuses such an address: so in three steps. */
    u64 rent = rent_exempt(birth->size), has = *account->lamports;
    if (has < rent) TRY(pay(birth->payer, account, birth->system, rent - has));
    TRY(from_system(account, 8, (const u8 *)&birth->size, 8, birth));
    TRY(from_system(account, 1, call->program_id, KEY_SIZE, birth));
    *(u64 *)account->data = birth->kind;
    return 0;
}

/* Give an account's lamports to another and make it nothing. The runtime removes it after the transaction. */
static u64 close(Account *account, Account *to) {
    *to->lamports += *account->lamports;
    *account->lamports = 0;
    for (u64 n = 0, size = data_size(account); n < size; n++) account->data[n] = 0;
    return 0;
}
