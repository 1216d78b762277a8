"""What the server runs: the pages, and the files they need with headers that let browsers keep them."""

import os
import re
from pathlib import Path
from typing import Final

from django.core.wsgi import get_wsgi_application
from whitenoise import WhiteNoise

STATIC: Final = Path(__file__).parent / "static"
HOUR_SECONDS: Final = 3600


def is_kept(_path: str, url: str) -> bool:
    """Whether a file never changes under its name: what is vendored has its version in it."""
    return re.match(r"/static/vendor/[\w.-]+-\d[\w.]*/", url) is not None


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dunwell.settings")
application = WhiteNoise(
    get_wsgi_application(), root=STATIC, prefix="static/", max_age=HOUR_SECONDS, immutable_file_test=is_kept
)
