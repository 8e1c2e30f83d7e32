"""Generated pictures as images that a page or a file can hold."""

from __future__ import annotations

from PIL import Image
from torch import Tensor

from gan.datasets import to_bytes


def to_images(pictures: Tensor) -> list[Image.Image]:
    """One RGB or grey image a picture, from float `[N, C, H, W]` in [-1, 1]."""
    arrays = to_bytes(pictures).permute(0, 2, 3, 1).cpu().numpy()
    return [Image.fromarray(a if a.shape[2] == 3 else a[:, :, 0]) for a in arrays]


def grid_image(pictures: Tensor, columns: int, gap: int = 0, background: str = "white") -> Image.Image:
    """All pictures `[N, C, H, W]` in [-1, 1], row by row, in one RGB image."""
    images = to_images(pictures)
    rows = -(-len(images) // columns)
    height, width = pictures.shape[2:]
    size = (columns * (width + gap) - gap, rows * (height + gap) - gap)
    sheet = Image.new("RGB", size, background)
    for i, image in enumerate(images):
        sheet.paste(image, ((i % columns) * (width + gap), (i // columns) * (height + gap)))
    return sheet
