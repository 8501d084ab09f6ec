"""Isolation forests: grown by scikit-learn, put out as arrays that anybody can ask without it."""
