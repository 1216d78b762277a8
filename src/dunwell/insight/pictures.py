"""Charts as pictures: no browser is started and no network asked, and the fonts come along."""

from typing import Any, Final

VEGA_LITE: Final = "5.21"
PIXELS: Final = 2  # a point is so many, for screens and printers


def png(spec: dict[str, Any]) -> bytes:
    """Draw a Vega-Lite specification as a PNG file."""
    import vl_convert  # noqa: PLC0415  # it takes a moment and much memory, and few ask for a picture

    picture: bytes = vl_convert.vegalite_to_png(spec, vl_version=VEGA_LITE, scale=PIXELS, allowed_base_urls=[])
    return picture


def svg(spec: dict[str, Any]) -> str:
    """Draw a Vega-Lite specification as an SVG document."""
    import vl_convert  # noqa: PLC0415  # as above

    return vl_convert.vegalite_to_svg(spec, vl_version=VEGA_LITE, allowed_base_urls=[])
