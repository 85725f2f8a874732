"""Numbers as engineers read them."""

from __future__ import annotations

__all__ = ["MINUS", "WIDEST_POWER", "format_power", "format_tap"]

MINUS = "\N{MINUS SIGN}"
WIDEST_POWER = f"{MINUS}000 kW"  # labels reserve this much room


def format_power(p_mw: float, *, unit: str = "W") -> str:
    """Return a power with its sign, in kW below 1 MW and in MW above.

    Examples
    --------
    >>> format_power(0.12), format_power(2.5, unit="var")
    ('+120 kW', '+2.50 Mvar')
    """
    value, prefix, digits = (p_mw, "M", 2) if abs(p_mw) >= 0.9995 else (1000.0 * p_mw, "k", 0)
    text = f"{value:+.{digits}f}"
    if float(text) == 0.0:
        text = text[1:]  # neither +0 nor -0
    return f"{text.replace('-', MINUS)} {prefix}{unit}"


def format_tap(position: float) -> str:
    """Return a tap position with its sign; one averaged over phases with a decimal.

    Examples
    --------
    >>> format_tap(5.0), format_tap(7.3333), format_tap(0.0)
    ('+5', '+7.3', '0')
    """
    text = f"{position:+.0f}" if position.is_integer() else f"{position:+.1f}"
    return "0" if position == 0.0 else text.replace("-", MINUS)
