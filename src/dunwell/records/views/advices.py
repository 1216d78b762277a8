"""One remittance advice: what a payer says a payment is for."""

from dunwell.records.models import RemittanceAdvice


def advice(entity_id: int, number: int) -> RemittanceAdvice | None:
    """An advice of an entity by its number, with its account and its bank line."""
    found = RemittanceAdvice.objects.select_related("account", "line")
    return found.filter(entity_id=entity_id, pk=number).first()
