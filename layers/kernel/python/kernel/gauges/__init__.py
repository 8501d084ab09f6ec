"""Owns how full the house is: what every room holds that is not over, counted and dated, in one transaction."""

from kernel.gauges.gauges import Gauges, Rows

__all__ = ["Gauges", "Rows"]
