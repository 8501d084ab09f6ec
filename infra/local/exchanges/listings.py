"""What is traded at the local venues: some of Flare's feeds, at plausible prices."""

from infra.local.exchanges.market import TETHER, Coin

COINS = {
    coin.code: coin
    for coin in (
        Coin(code="AAVE", usd="178.25", decimals=2, daily_volume=2.1e5),
        Coin(code="ADA", usd="0.5230", decimals=4, daily_volume=6.5e7),
        Coin(code="ALGO", usd="0.1782", decimals=4, daily_volume=4.4e7),
        Coin(code="ATOM", usd="3.120", decimals=3, daily_volume=4.0e6),
        Coin(code="AVAX", usd="18.41", decimals=3, daily_volume=3.9e6),
        Coin(code="BCH", usd="512.60", decimals=2, daily_volume=9.0e4),
        Coin(code="BTC", usd="93480.00", decimals=2, daily_volume=1.4e4),
        Coin(code="DOGE", usd="0.17240", decimals=5, daily_volume=9.0e8),
        Coin(code="DOT", usd="2.912", decimals=3, daily_volume=1.1e7),
        Coin(code="ETC", usd="15.83", decimals=3, daily_volume=8.0e5),
        Coin(code="ETH", usd="3125.40", decimals=2, daily_volume=2.6e5),
        Coin(code="FIL", usd="1.742", decimals=3, daily_volume=9.5e6),
        Coin(code="FLR", usd="0.014530", decimals=6, daily_volume=3.1e8),
        Coin(code="LINK", usd="13.65", decimals=3, daily_volume=5.1e6),
        Coin(code="LTC", usd="97.20", decimals=2, daily_volume=6.3e5),
        Coin(code="SOL", usd="138.42", decimals=2, daily_volume=2.5e6),
        Coin(code="TRX", usd="0.28910", decimals=5, daily_volume=2.4e8),
        Coin(code="UNI", usd="7.415", decimals=3, daily_volume=3.3e6),
        TETHER,
        Coin(code="XLM", usd="0.25310", decimals=5, daily_volume=8.8e7),
        Coin(code="XRP", usd="2.1530", decimals=4, daily_volume=2.0e8),
    )
}
