"""How the help of a command reads: its arguments stand there as people type them."""

from typing import Any

from typer.core import TyperCommand


class Command(TyperCommand):
    """A command whose help names its arguments `RUN`, `[DIR]`, `FILE...`, without braces and Python's types."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:  # noqa: ANN401  # Typer's own class is private
        """Take Typer's braces away from what is required."""
        return [piece.replace("{", "").replace("}", "") for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:  # noqa: ANN401  # as above
        """List arguments by their name and help alone; what is required stands in the usage."""
        params: list[Any] = self.get_params(ctx)
        arguments = [(each.metavar, each.help) for each in params if each.param_type_name == "argument"]
        options = [each.get_help_record(ctx) for each in params if each.param_type_name == "option"]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
