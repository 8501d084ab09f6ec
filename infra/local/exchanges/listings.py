"""What is traded at the local venues: every base of Flare's feeds, at plausible prices.

COINS are what every local world trades. Whoever asks for the whole listing gets the rest too.
"""

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

REST = {
    coin.code: coin
    for coin in (
        Coin(code="APT", usd="2.8640", decimals=4, daily_volume=9.0e6),
        Coin(code="ARB", usd="0.22310", decimals=5, daily_volume=9.5e7),
        Coin(code="BERA", usd="1.1840", decimals=4, daily_volume=8.0e6),
        Coin(code="BNB", usd="868.40", decimals=2, daily_volume=1.1e5),
        Coin(code="BONK", usd="0.000010120", decimals=9, daily_volume=9.0e12),
        Coin(code="ENA", usd="0.25340", decimals=5, daily_volume=1.4e8),
        Coin(code="ETHFI", usd="0.8420", decimals=4, daily_volume=3.1e7),
        Coin(code="FET", usd="0.26180", decimals=5, daily_volume=8.5e7),
        Coin(code="HBAR", usd="0.14320", decimals=5, daily_volume=2.1e8),
        Coin(code="HNT", usd="2.1350", decimals=4, daily_volume=2.4e6),
        Coin(code="HYPE", usd="34.120", decimals=3, daily_volume=9.8e6),
        Coin(code="ICP", usd="4.3820", decimals=4, daily_volume=1.6e7),
        Coin(code="JUP", usd="0.25110", decimals=5, daily_volume=6.0e7),
        Coin(code="LEO", usd="9.4210", decimals=4, daily_volume=2.0e5),
        Coin(code="MON", usd="0.0321400", decimals=7, daily_volume=2.6e9),
        Coin(code="NEAR", usd="1.9350", decimals=4, daily_volume=5.2e7),
        Coin(code="NIGHT", usd="0.061240", decimals=6, daily_volume=4.4e8),
        Coin(code="NOT", usd="0.0006124", decimals=7, daily_volume=3.3e10),
        Coin(code="ONDO", usd="0.53120", decimals=5, daily_volume=7.7e7),
        Coin(code="OP", usd="0.31870", decimals=5, daily_volume=8.8e7),
        Coin(code="PAXG", usd="4065.20", decimals=2, daily_volume=1.8e4),
        Coin(code="PENGU", usd="0.010930", decimals=6, daily_volume=8.6e9),
        Coin(code="PEPE", usd="0.0000047120", decimals=10, daily_volume=4.2e13),
        Coin(code="POL", usd="0.13480", decimals=5, daily_volume=2.2e8),
        Coin(code="PUMP", usd="0.0028340", decimals=7, daily_volume=3.0e10),
        Coin(code="PYTH", usd="0.07412", decimals=5, daily_volume=2.9e8),
        Coin(code="QNT", usd="83.42", decimals=2, daily_volume=1.2e5),
        Coin(code="RENDER", usd="1.7810", decimals=4, daily_volume=2.3e7),
        Coin(code="RUNE", usd="0.7014", decimals=4, daily_volume=3.3e7),
        Coin(code="S", usd="0.10230", decimals=5, daily_volume=2.8e8),
        Coin(code="SGB", usd="0.0018420", decimals=7, daily_volume=4.0e8),
        Coin(code="SHIB", usd="0.000008310", decimals=9, daily_volume=1.3e13),
        Coin(code="SUI", usd="1.5120", decimals=4, daily_volume=3.0e8),
        Coin(code="TAO", usd="291.40", decimals=2, daily_volume=4.0e5),
        Coin(code="TON", usd="1.5730", decimals=4, daily_volume=5.1e7),
        Coin(code="TRUMP", usd="6.4120", decimals=4, daily_volume=2.7e7),
        Coin(code="USDC", usd="0.99980", decimals=5, daily_volume=4.0e8, calm=0.02),
        Coin(code="USDS", usd="0.99970", decimals=5, daily_volume=3.0e7, calm=0.02),
        Coin(code="USDX", usd="0.99850", decimals=5, daily_volume=2.0e6, calm=0.02),
        Coin(code="WIF", usd="0.34520", decimals=5, daily_volume=3.5e8),
        Coin(code="XDC", usd="0.050120", decimals=6, daily_volume=6.1e8),
        Coin(code="XPL", usd="0.20140", decimals=5, daily_volume=5.4e8),
    )
}
WHOLE = COINS | REST
