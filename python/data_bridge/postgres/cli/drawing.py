"""Tables as a picture: SVG that needs nothing from anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from .shapes import Line, Shape

# In pixels of the picture; the font's characters are about _CHARACTER wide.
_CHARACTER, _LINE, _HEADER, _PADDING = 7.3, 20, 28, 12
_BETWEEN_RANKS, _BETWEEN_TABLES, _MARGIN = 90, 28, 20
#: A rank of tables is broken into columns of about so many pixels.
_TALL = 900

_STYLE = """
  text { font: 12px ui-monospace, Menlo, Consolas, monospace; fill: #1f2933; }
  .box { fill: #fff; stroke: #7b8794; } .head { fill: #00897b; } .title { fill: #fff; font-weight: bold; }
  .type { fill: #7b8794; } .key { font-weight: bold; } .link { fill: none; stroke: #52606d; stroke-width: 1.2; }
""".strip("\n")


@dataclass
class _Box:
    shape: Shape
    x: float = 0.0
    y: float = 0.0

    @property
    def width(self) -> float:
        longest = max([len(self.shape.name), *(len(line.name) + len(line.type) + 3 for line in self.shape.lines)])
        return longest * _CHARACTER + 2 * _PADDING

    @property
    def height(self) -> float:
        return _HEADER + _LINE * len(self.shape.lines) + 6

    def middle(self, name: str) -> float:
        """Where the line of a column is."""
        index = next((index for index, line in enumerate(self.shape.lines) if line.name == name), 0)
        return self.y + _HEADER + _LINE * (index + 0.5) + 2


def svg(shapes: Sequence[Shape]) -> str:
    """An entity-relationship diagram: what is referred to stands to the left of what refers to it."""
    boxes = {shape.name: _Box(shape) for shape in shapes}
    width, height = _place(boxes)
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.0f} {height:.0f}" role="img">',
        "<title>Tables and their references</title>",
        f"<style>\n{_STYLE}\n</style>",
    ]
    for box in boxes.values():
        out += [_arrow(box, line, boxes[target]) for line, target in box.shape.references if target in boxes]
    for box in boxes.values():
        out += _drawn(box)
    return "\n".join([*out, "</svg>"]) + "\n"


def _place(boxes: dict[str, _Box]) -> tuple[float, float]:
    """Gives each table its place; the size of the whole."""
    ranks: dict[int, list[_Box]] = {}
    for name, rank in _ranks(boxes).items():
        ranks.setdefault(rank, []).append(boxes[name])
    x, bottom = float(_MARGIN), 0.0
    for _, column in sorted(ranks.items()):
        y, widest = float(_MARGIN), 0.0
        for box in column:
            if y > _MARGIN and y + box.height > _TALL:
                x, y, widest = x + widest + _BETWEEN_TABLES, float(_MARGIN), 0.0
            box.x, box.y = x, y
            y += box.height + _BETWEEN_TABLES
            widest, bottom = max(widest, box.width), max(bottom, y)
        x += widest + _BETWEEN_RANKS
    return max(x - _BETWEEN_RANKS + _MARGIN, 2.0 * _MARGIN), max(bottom - _BETWEEN_TABLES + _MARGIN, 2.0 * _MARGIN)


def _ranks(boxes: dict[str, _Box]) -> dict[str, int]:
    """How many references lead from each table to one that refers to nothing; those that close a circle do not count."""
    ranks: dict[str, int] = {}
    open_ones: set[str] = set()

    def rank(name: str) -> int:
        if name not in ranks:
            open_ones.add(name)
            targets = {target for _, target in boxes[name].shape.references if target in boxes} - open_ones
            ranks[name] = max((1 + rank(target) for target in sorted(targets)), default=0)
            open_ones.discard(name)
        return ranks[name]

    for name in boxes:
        rank(name)
    return ranks


def _arrow(box: _Box, line: Line, target: _Box) -> str:
    start, end = box.middle(line.name), target.middle((line.refers_to or "").rpartition(".")[2])
    to_the_left = target.x < box.x
    from_x = box.x if to_the_left else box.x + box.width
    to_x = target.x + target.width
    # Within a column of tables, itself included, the line goes round on the right.
    bend = max(30.0, abs(from_x - to_x) / 2)
    out = from_x - bend if to_the_left else from_x + bend
    dash = ' stroke-dasharray="4 3"' if line.nullable else ""
    foot = from_x + (-8 if to_the_left else 8)
    many = "".join(f"M{foot:.1f} {start:.1f} L{from_x:.1f} {start + side:.1f} " for side in (-5, 5))
    one = f"M{to_x + 6:.1f} {end - 5:.1f} V{end + 5:.1f}"
    return (
        f'<path class="link"{dash} d="M{from_x:.1f} {start:.1f} C{out:.1f} {start:.1f} {to_x + bend:.1f} {end:.1f} '
        f'{to_x:.1f} {end:.1f}"/><path class="link" d="{one} {"" if line.unique else many}"/>'
    )


def _drawn(box: _Box) -> list[str]:
    x, y, width = box.x, box.y, box.width
    out = [
        f'<rect class="box" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{box.height:.1f}" rx="4"/>',
        f'<rect class="head" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{_HEADER - 4}" rx="4"/>',
        f'<text class="title" x="{x + _PADDING:.1f}" y="{y + 16:.1f}">{escape(box.shape.name)}</text>',
    ]
    for line in box.shape.lines:
        at = box.middle(line.name) + 4
        kind = ' class="key"' if line.primary_key else ""
        null = "?" if line.nullable else ""
        out.append(f'<text{kind} x="{x + _PADDING:.1f}" y="{at:.1f}">{escape(line.name)}</text>')
        out.append(
            f'<text class="type" text-anchor="end" x="{x + width - _PADDING:.1f}" y="{at:.1f}">{escape(line.type)}{null}</text>'
        )
    return out
