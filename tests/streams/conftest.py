from tests.reports.own_store import new_store, store_address

__all__ = ["new_store", "store_address"]
