"""The peer of the API's benchmark: one process of FastAPI that answers the same from memory, and knows nobody.

`python -m tests.bench.bare_prices PORT`
"""

import sys

import uvicorn
from fastapi import FastAPI
from pydantic import BaseModel


class Price(BaseModel):
    """A price."""

    symbol: str
    price: str
    confidence: str
    sources: dict[str, str]


class Prices(BaseModel):
    """Prices, as they are asked for."""

    prices: list[Price]


app = FastAPI()
SOURCES = {f"venue{n}": "93480.1" for n in range(10)}


@app.get("/prices/latest")
def latest(symbols: str) -> Prices:
    """The same for every symbol."""
    return Prices(
        prices=[
            Price(symbol=symbol, price="93480.1", confidence="1.5", sources=SOURCES) for symbol in symbols.split(",")
        ]
    )


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="error", access_log=False)
