/* What the Solana runtime gives a program: accounts in its input, system calls, calls of other programs. */
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef long long i64;

#define KEY_SIZE 32
#define ACCOUNTS_MAX 96
#define DATA_GROWTH_MAX 10240
#define HEAP 0x300000000ULL

/* ProgramError values are in the high half; the program's own errors are Anchor's, from 6000 on. */
#define MISSING_ACCOUNTS (11ULL << 32)
#define INVALID_INSTRUCTION (3ULL << 32)

typedef struct {
    const u8 *key;
    const u8 *owner;
    u64 *lamports;
    u8 *data; /* its length stands 8 octets before it, and changes when another program allocates it */
    u8 is_signer, is_writable, is_executable;
} Account;

typedef struct {
    const u8 *program_id;
    Account *accounts;
    u64 count;
    const u8 *data;
    u64 data_size;
} Call;

typedef struct {
    const u8 *at;
    u64 size;
} Bytes;

extern u64 sol_log_(const char *text, u64 size);
extern u64 sol_log_data(const Bytes *fields, u64 count);
extern u64 sol_create_program_address(const Bytes *seeds, u64 count, const u8 *program_id, u8 *address);
extern u64 sol_try_find_program_address(const Bytes *seeds, u64 count, const u8 *program_id, u8 *address, u8 *bump);
extern u64 sol_get_clock_sysvar(void *clock);
extern u64 sol_get_rent_sysvar(void *rent);
extern u64 sol_invoke_signed_c(const void *call, const void *accounts, u64 count, const void *seeds, u64 seeds_count);

#define TRY(expression)                                                                                                \
    do {                                                                                                               \
        u64 failed_ = (expression);                                                                                    \
        if (failed_) return failed_;                                                                                   \
    } while (0)
#define REQUIRE(condition, failure)                                                                                    \
    do {                                                                                                               \
        if (!(condition)) return (failure);                                                                            \
    } while (0)

static inline u64 data_size(const Account *account) { return *(const u64 *)(account->data - 8); }

static inline void copy(u8 *to, const u8 *from, u64 size) {
    for (u64 n = 0; n < size; n++) to[n] = from[n];
}

static inline int is_same(const u8 *one, const u8 *other, u64 size) {
    for (u64 n = 0; n < size; n++)
        if (one[n] != other[n]) return 0;
    return 1;
}

static inline int is_key(const u8 *one, const u8 *other) {
    const u64 *left = (const u64 *)one, *right = (const u64 *)other;
    /* Keys inside instruction data are not aligned; the machine does not mind. */
    return left[0] == right[0] && left[1] == right[1] && left[2] == right[2] && left[3] == right[3];
}

/* The linker knows addresses in code only, so a seed's text is put in place by code. */
#define text(letters) ((Bytes){(const u8 *)(letters), sizeof(letters) - 1})

/* Accounts and instruction data, as the loader lays them out. The table of accounts begins the heap. */
static u64 read_input(u8 *input, Call *call) {
    u64 count = *(u64 *)input;
    Account *accounts = (Account *)HEAP;
    u8 *at = input + 8;
    REQUIRE(count <= ACCOUNTS_MAX, MISSING_ACCOUNTS);
    for (u64 n = 0; n < count; n++) {
        if (*at != 0xff) { /* the same account again */
            REQUIRE(*at < n, MISSING_ACCOUNTS);
            accounts[n] = accounts[*at];
            at += 8;
            continue;
        }
        accounts[n].is_signer = at[1];
        accounts[n].is_writable = at[2];
        accounts[n].is_executable = at[3];
        accounts[n].key = at + 8;
        accounts[n].owner = at + 40;
        accounts[n].lamports = (u64 *)(at + 72);
        accounts[n].data = at + 88;
        u64 size = *(u64 *)(at + 80);
        at += 88 + size + DATA_GROWTH_MAX;
        at = (u8 *)(((u64)at + 7) & ~7ULL) + 8; /* the rent epoch */
    }
    call->accounts = accounts;
    call->count = count;
    call->data_size = *(u64 *)at;
    call->data = at + 8;
    call->program_id = call->data + call->data_size;
    return 0;
}

/* Calls of other programs, in the shape of the C interface. */
typedef struct {
    const u8 *key;
    u8 is_writable, is_signer;
} Meta;

typedef struct {
    const u8 *program_id;
    const Meta *accounts;
    u64 accounts_count;
    const u8 *data;
    u64 data_size;
} Invocation;

typedef struct {
    const u8 *key;
    u64 *lamports;
    u64 data_size;
    u8 *data;
    const u8 *owner;
    u64 rent_epoch;
    u8 is_signer, is_writable, is_executable;
} Info;

static u64 invoke(const Invocation *invocation, const Account *const *used, u64 count, const Bytes *seeds,
                  u64 seeds_count) {
    Info infos[4];
    Bytes signer = {(const u8 *)seeds, seeds_count};
    for (u64 n = 0; n < count; n++) {
        infos[n].key = used[n]->key;
        infos[n].lamports = used[n]->lamports;
        infos[n].data_size = data_size(used[n]);
        infos[n].data = used[n]->data;
        infos[n].owner = used[n]->owner;
        infos[n].rent_epoch = 0;
        infos[n].is_signer = used[n]->is_signer;
        infos[n].is_writable = used[n]->is_writable;
        infos[n].is_executable = used[n]->is_executable;
    }
    return sol_invoke_signed_c(invocation, infos, count, &signer, seeds_count ? 1 : 0);
}

static i64 now(void) {
    struct {
        u64 slot;
        i64 epoch_start;
        u64 epoch, leader_epoch;
        i64 unix_time;
    } clock;
    sol_get_clock_sysvar(&clock);
    return clock.unix_time;
}

static u64 rent_exempt(u64 size) {
    struct {
        u64 lamports_per_byte_year;
        u64 years; /* a double, which this machine cannot multiply; it has been 2.0, and is to become 1.0 */
        u8 burn_percent;
    } rent;
    sol_get_rent_sysvar(&rent);
    return (size + 128) * rent.lamports_per_byte_year * (rent.years == 0x4000000000000000ULL ? 2 : 1);
}
