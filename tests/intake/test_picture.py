import io
import re

import hostile
import numpy as np
import pytest
from PIL import Image

from grader.errors import Mismatch
from grader.intake import picture


def file_of(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


GREY = Image.new("L", (40, 30), 90)


def test_photographs_are_upright_and_small():
    image = Image.new("RGB", (4000, 1000), (200, 30, 30))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    found = picture.pixels(file_of(image, "JPEG", exif=exif), "turned.jpg")
    assert found.shape[0] > found.shape[1]
    assert max(found.shape) <= picture.SIDE
    assert found.dtype == np.uint8
    assert picture.thumbnail(found, 100).shape[0] == 100


@pytest.mark.parametrize("form", picture.FORMATS)
def test_each_format_is_read_in_colours(form):
    assert picture.pixels(file_of(GREY, form), "a").shape == (30, 40, 3)
    assert picture.area(file_of(GREY, form)) == 1200


def test_an_honest_progressive_jpeg_is_read():
    assert picture.pixels(hostile.passes(0, 64), "a.jpg").shape == (64, 64, 3)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "a.jpg cannot be read as a picture; save it as JPEG or PNG"),
        (file_of(GREY, "PNG")[:60], "a.jpg cannot be read as a picture"),
        (file_of(GREY, "TIFF"), "a.jpg cannot be read as a picture; save it as JPEG or PNG"),
        (hostile.passes(picture.PASSES + 1, 64), "a.jpg is a JPEG of more than 100 passes"),
        (file_of(Image.new("1", (8001, 8000)), "PNG"), "a.jpg has more than 64 million pixels; hand in a smaller copy"),
    ],
    ids=["empty", "cut", "another format", "passes", "large"],
)
def test_what_cannot_be_read_is_said_with_the_cure(data, said):
    with pytest.raises(Mismatch, match=re.escape(said)):
        picture.upright(data, "a.jpg", 100)


def test_staff_may_look_at_one_format_more():
    image = picture.upright(file_of(GREY, "TIFF"), "a.tif", 100, (*picture.FORMATS, "TIFF"))
    assert image.size == GREY.size


def test_what_is_no_picture_has_no_area():
    assert picture.area(b"GIF89a") == picture.area(b"") == 0


def test_a_picture_of_one_colour_is_blank():
    assert picture.is_blank(file_of(GREY, "PNG"))
    dotted = GREY.copy()
    dotted.putpixel((3, 3), 91)
    assert not picture.is_blank(file_of(dotted, "PNG"))
