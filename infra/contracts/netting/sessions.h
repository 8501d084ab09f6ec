/* Session keys: an owner lets another key trade. It costs the owner's signature here, and one under a text that a
   wallet shows: the Ed25519 program has checked that one, as the instruction right before this one. */
#pragma once
#include "state.h"

/* Sysvar1nstructions1111111111111111111111111 */
static const u8 INSTRUCTIONS[KEY_SIZE] = {6,   167, 213, 23, 24,  123, 209, 102, 53,  218, 212, 4,  85,  253, 194, 192,
                                          193, 36,  198, 143, 33, 86,  117, 165, 219, 186, 203, 95, 8,   0,   0,   0};
/* Ed25519SigVerify111111111111111111111111111 */
static const u8 ED25519[KEY_SIZE] = {3,   125, 70,  214, 124, 147, 251, 190, 18, 249, 66, 143, 131, 141, 64, 255,
                                     5,   112, 116, 73,  39,  244, 138, 100, 252, 202, 112, 68, 128, 0,   0,  0};

#define LINE_MAX 128
static const char LINE_BEGIN[] = "\n- counterpart:session:";

static u64 base58(const u8 *key, char *text) {
    static const char letters[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    u8 digits[45];
    u64 count = 0, size = 0;
    for (u64 n = 0; n < KEY_SIZE; n++) {
        u32 carry = key[n];
        for (u64 m = 0; m < count; m++) {
            carry += (u32)digits[m] << 8;
            digits[m] = carry % 58;
            carry /= 58;
        }
        for (; carry; carry /= 58) digits[count++] = carry % 58;
    }
    for (u64 n = 0; n < KEY_SIZE && !key[n]; n++) text[size++] = letters[0];
    while (count) text[size++] = letters[digits[--count]];
    return size;
}

static u64 decimal(u64 number, char *text) {
    char digits[20];
    u64 count = 0, size = 0;
    do digits[count++] = '0' + number % 10;
    while (number /= 10);
    while (count) text[size++] = digits[--count];
    return size;
}

/* The text's last line, which says what is allowed: "- counterpart:session:<key>:<max volume>:<expires at>". */
static u64 wanted_line(const u8 *session, u64 max_volume, u64 expires_at, char *line) {
    u64 size = sizeof(LINE_BEGIN) - 1;
    copy((u8 *)line, (const u8 *)LINE_BEGIN, size);
    size += base58(session, line + size);
    line[size++] = ':';
    size += decimal(max_volume, line + size);
    line[size++] = ':';
    return size + decimal(expires_at, line + size);
}

static u64 signed_text(const Account *instructions, const u8 *owner, const char *line, u64 line_size) {
    REQUIRE(is_key(instructions->key, INSTRUCTIONS), WRONG_ACCOUNT);
    const u8 *all = instructions->data;
    u64 present = *(const u16 *)(all + data_size(instructions) - 2);
    REQUIRE(present > 0, NOT_SIGNED);
    const u8 *before = all + *(const u16 *)(all + 2 * present);
    before += 2 + 33 * (u64) * (const u16 *)before; /* over its accounts */
    REQUIRE(is_key(before, ED25519), NOT_SIGNED);
    u64 size = *(const u16 *)(before + KEY_SIZE);
    const u8 *data = before + KEY_SIZE + 2;
    /* One signature, whose key, text and itself lie in that very instruction. */
    REQUIRE(size > 16 && data[0] == 1, NOT_SIGNED);
    u64 signature_in = *(const u16 *)(data + 4), key_in = *(const u16 *)(data + 8), text_in = *(const u16 *)(data + 14);
    u64 key_at = *(const u16 *)(data + 6), text_at = *(const u16 *)(data + 10), text_size = *(const u16 *)(data + 12);
    REQUIRE(signature_in == 0xffff && key_in == 0xffff && text_in == 0xffff, NOT_SIGNED);
    REQUIRE(key_at + KEY_SIZE <= size && text_at + text_size <= size, NOT_SIGNED);
    REQUIRE(is_key(data + key_at, owner), NOT_SIGNED);
    REQUIRE(text_size >= line_size, NOT_SIGNED);
    REQUIRE(is_same(data + text_at + text_size - line_size, (const u8 *)line, line_size), NOT_SIGNED);
    return 0;
}

/* [session key w, owner signer w, session, instructions, system], data: max_volume u64, expires_at i64. */
static u64 register_session_key(Call *call) {
    REQUIRE(call->count >= 5 && call->data_size == 16, MISSING_ACCOUNTS);
    Account *a = call->accounts;
    u64 max_volume = *(const u64 *)call->data;
    i64 expires_at = *(const i64 *)(call->data + 8);
    u8 owner[KEY_SIZE], session[KEY_SIZE];
    char line[LINE_MAX];
    REQUIRE(a[1].is_signer, NOT_OWNER);
    REQUIRE(max_volume > 0 && expires_at > now() && expires_at <= now() + 366 * 86400, SESSION_UNFIT);
    copy(owner, a[1].key, KEY_SIZE);
    copy(session, a[2].key, KEY_SIZE);
    TRY(signed_text(&a[3], owner, line, wanted_line(session, max_volume, expires_at, line)));
    Bytes seeds[4];
    seeds[0] = text("session_key");
    seeds[1] = (Bytes){owner, KEY_SIZE};
    seeds[2] = (Bytes){session, KEY_SIZE};
    Birth birth = {&a[0], &a[1], &a[4], seeds, 3, SESSION_KEY, sizeof(SessionKey)};
    TRY(create(call, &birth));
    SessionKey *kept = AT(&a[0], SessionKey);
    copy(kept->owner, owner, KEY_SIZE);
    copy(kept->session, session, KEY_SIZE);
    kept->max_volume = max_volume;
    kept->expires_at = expires_at;
    return 0;
}

/* [session key w, owner signer]. For good: the account stays, so that the key cannot be registered again. */
static u64 revoke_session_key(Call *call) {
    REQUIRE(call->count >= 2 && call->data_size == 0, MISSING_ACCOUNTS);
    Account *kept = &call->accounts[0], *owner = &call->accounts[1];
    REQUIRE(OURS(call, kept, SESSION_KEY, SessionKey), WRONG_ACCOUNT);
    REQUIRE(owner->is_signer && is_key(AT(kept, SessionKey)->owner, owner->key), NOT_OWNER);
    AT(kept, SessionKey)->is_revoked = 1;
    return 0;
}
