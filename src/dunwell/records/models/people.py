"""What is on record of people who sign in, besides what Django keeps of them."""

from django.db import models


class SignInTry(models.Model):
    """How often a name was tried in vain, until that is forgotten. `name` is a digest: some type a password there."""

    name = models.CharField(max_length=64, primary_key=True)
    tries = models.PositiveIntegerField(default=0)
    until_at = models.DateTimeField()
