"""Decide a whole book; the floor joins the accounts, sums by account and currency, and joins back, on the same frames."""

from datetime import date

import polars as pl

from dunwell.engine.book import CURRENCIES_OF_BOOK, Book
