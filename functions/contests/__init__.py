"""The slice of contests: trading duels with custodial wallets, prizes, rake, referrals and achievements."""
