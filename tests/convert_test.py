# SPDX-License-Identifier: Apache-2.0
"""lamella convert, its output opened by the programs that it is for."""

import gzip
import json
import xml.etree.ElementTree as ElementTree

import h5py
import numpy
import pytest
import tifffile
from conftest import bad, good, lamella
from PIL import Image, ImageCms

pytest.importorskip("shapely")
import qupath_rules  # noqa: E402 - needs shapely

SQUARE = [[0, 0], [80, 0], [80, 80], [0, 80], [0, 0]]
HOLE = [[20, 20], [20, 40], [40, 40], [40, 20], [20, 20]]


def feature(coordinates, **properties):
    return {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": coordinates},
            "properties": properties}


@pytest.fixture
def drawn(tmp_path):
    """Two outlines, one with a hole."""
    path = tmp_path / "drawn.geojson"
    path.write_text(json.dumps([
        feature([SQUARE, HOLE], name="ring", classification={"name": "positive", "color": [200, 0, 0]}),
        feature([[[100, 0], [140, 0], [140, 40], [100, 0]]], name="corner",
                classification="negative")]))
    return path


@pytest.mark.parametrize("name", ["geojson", "asap", "aperio", "ncrf", "slideflow"])
def test_there_and_back(drawn, tmp_path, name):
    good("convert", drawn, tmp_path / "there", "--to", name)
    back = good("convert", tmp_path / "there", tmp_path / "back.geojson")
    assert back["annotations"] == 2 and back["holes"] == 1
    assert back["area_px"] == pytest.approx(80 * 80 - 20 * 20 + 800, rel=1e-6)
    document = json.loads((tmp_path / "back.geojson").read_text())
    shapes = qupath_rules.check(document)
    assert sorted(shape.area for shape in shapes) == pytest.approx([800, 6000], rel=1e-6)
    names = {one["properties"]["name"]: one["properties"]["classification"]["name"]
             for one in document["features"]}
    assert names == {"ring": "positive", "corner": "negative"}


def test_geopandas_opens_it(drawn, tmp_path):
    geopandas = pytest.importorskip("geopandas")
    good("convert", drawn, tmp_path / "out.geojson")
    frame = geopandas.read_file(tmp_path / "out.geojson")
    assert sorted(frame.area) == [800, 6000]


def test_many_files_into_a_folder(drawn, tmp_path):
    other = tmp_path / "other.json"
    other.write_text('{"positive": [{"name": "a", "vertices": [[0, 0], [4, 0], [4, 4]]}], "negative": []}')
    made = good("convert", drawn, other, f"{tmp_path}/out/", "--to", "asap")
    assert [one["to"] for one in made["files"]] == ["ASAP XML"] * 2 and made["failed"] == 0
    for name in ("drawn.xml", "other.xml"):
        assert ElementTree.parse(tmp_path / "out" / name).getroot().tag == "ASAP_Annotations"
    assert "expected a folder" in bad("convert", drawn, other, tmp_path / "one.geojson")
    twin = tmp_path / "twin" / "drawn.json"
    twin.parent.mkdir()
    twin.write_bytes(other.read_bytes())
    assert "would both become" in bad("convert", drawn, twin, f"{tmp_path}/out/", "--to", "asap")
    other.write_text("no annotations")
    outcome = lamella("convert", drawn, other, f"{tmp_path}/out/", "--to", "geojson")
    assert outcome.code == 3 and "expected annotations as one of" in outcome.err


def test_names_that_say_no_format_are_refused(drawn, tmp_path):
    assert "give --to, one of asap" in bad("convert", drawn, tmp_path / "out.xml")
    assert "did you mean 'aperio'" in bad("convert", drawn, tmp_path / "out.xml", "--to", "aperoi")
    assert not (tmp_path / "out.xml").exists()


SCORES = "minx,miny,width,height,prob_Normal,prob_Tumor\n" + "".join(
    f"{10 * (i % 20)},{10 * (i // 20)},10,10,{1 - (i % 10) / 10:.1f},{(i % 10) / 10:.1f}\n"
    for i in range(200))


@pytest.fixture
def scores(tmp_path):
    (tmp_path / "s.csv").write_text(SCORES)
    return tmp_path / "s.csv"


def test_scores_are_tiles_of_qupath(scores, tmp_path):
    good("convert", scores, tmp_path / "s.geojson.gz")
    document = json.loads(gzip.decompress((tmp_path / "s.geojson.gz").read_bytes()))
    shapes = qupath_rules.check(document)
    assert len(shapes) == 200 and {shape.area for shape in shapes} == {100}
    assert document["features"][13]["properties"]["measurements"] == {"prob_Normal": 0.7,
                                                                      "prob_Tumor": 0.3}
    assert {one["properties"]["objectType"] for one in document["features"]} == {"tile"}


def test_scores_are_outlines_and_wsinfers_folder(scores, tmp_path):
    made = good("convert", scores, tmp_path / "o.geojson", "--scores-as", "outlines",
                "--threshold", 0.5)
    shapes = qupath_rules.check(json.loads((tmp_path / "o.geojson").read_text()))
    assert made["outlines"] == len(shapes) == 2      # columns 5-9 and 15-19, ten rows each
    assert sorted(shape.area for shape in shapes) == [5000, 5000]
    good("convert", scores, tmp_path / "wsinfer", "--to", "wsinfer")
    folder = tmp_path / "wsinfer"
    assert (folder / "model-outputs-csv" / "s.csv").read_text() == SCORES
    qupath_rules.check(json.loads((folder / "model-outputs-geojson" / "s.geojson").read_text()))


def test_the_heat_map_is_ome_tiff(scores, tmp_path):
    good("convert", scores, tmp_path / "s.ome.tiff")
    with tifffile.TiffFile(tmp_path / "s.ome.tiff") as file:
        assert file.is_ome
        values = file.series[0].asarray()
    assert values.shape == (10, 20) and values.dtype == numpy.float32
    assert values[3, 7] == numpy.float32(0.7)


@pytest.fixture
def jpeg_slide(tmp_path):
    """A picture of JPEG tiles with two levels, a profile and a scale."""
    rows, columns = numpy.mgrid[:1100, :1500]
    pixels = numpy.stack([columns // 6, rows // 6, (rows + columns) // 11], axis=2).astype(numpy.uint8)
    path = tmp_path / "s.tif"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with tifffile.TiffWriter(path) as file:
        for level in range(2):
            file.write(pixels[::4 ** level, ::4 ** level], tile=(256, 256), compression="jpeg",
                       photometric="ycbcr", subsampling=(2, 2), subfiletype=1 if level else 0,
                       resolution=(1e4 / 0.5 / 4 ** level,) * 2, resolutionunit="CENTIMETER",
                       metadata=None, iccprofile=profile if level == 0 else None)
    return path


def tiles_of(path, page):
    with tifffile.TiffFile(path) as file:
        one = file.pages[page] if isinstance(page, int) else file.pages[0].pages[page[0]]
        one = one.aspage() if hasattr(one, "aspage") else one
        file.filehandle.seek(0)
        data = path.read_bytes()
        return [data[at:at + count] for at, count in zip(one.dataoffsets, one.databytecounts)]


@pytest.mark.parametrize("name", ["s.ome.tiff", "out.tiff"])
def test_a_slide_is_wrapped_again_without_encoding(jpeg_slide, tmp_path, name):
    out = tmp_path / name
    made = good("convert", jpeg_slide, out)
    assert made["levels copied"] == 2 and made["levels made"] == 1   # 375 x 275 -> 188 x 138
    ome = name.endswith(".ome.tiff")
    for level in range(2):
        place = (level - 1,) if ome and level else level
        assert tiles_of(out, place) == tiles_of(jpeg_slide, level)
    with tifffile.TiffFile(jpeg_slide) as before, tifffile.TiffFile(out) as after:
        assert after.is_ome == ome
        levels = after.series[0].levels if ome else after.pages
        assert [one.shape for one in levels] == [(1100, 1500, 3), (275, 375, 3), (138, 188, 3)]
        for level in range(2):
            assert numpy.array_equal(levels[level].asarray(), before.pages[level].asarray())
        assert after.pages[0].iccprofile == before.pages[0].iccprofile
        if ome:
            assert 'PhysicalSizeX="0.5"' in after.ome_metadata
    plan = good("plan", "--slide", out, "--size-px", 100, "--mpp", 0.5, "--tissue", "none", "--out",
                tmp_path / "p.h5")
    assert plan["effective_mpp"] == pytest.approx(0.5) and plan["patches"] > 0


@pytest.mark.parametrize("name", ["s.ome.tiff", "out.tiff"])
def test_levels_missing_between_two_are_made(tmp_path, name):
    """Of levels of 1/1 and 1/16: 1/4 is made between them, and nothing below."""
    rows, columns = numpy.mgrid[:2048, :2560]
    pixels = numpy.stack([columns // 10, 100 + rows // 40, 100 + (rows + columns) // 80], axis=2).astype(numpy.uint8)
    with tifffile.TiffWriter(tmp_path / "s.tif") as file:
        for level in range(2):
            file.write(pixels[8 * level::16 ** level, 8 * level::16 ** level], tile=(256, 256), compression="jpeg",
                       photometric="ycbcr", subsampling=(2, 2), subfiletype=level, metadata=None,
                       resolution=(1e4 / 0.5 / 16 ** level,) * 2, resolutionunit="CENTIMETER")
    made = good("convert", tmp_path / "s.tif", tmp_path / name)
    assert made["levels copied"] == 2 and made["levels made"] == 1
    with tifffile.TiffFile(tmp_path / name) as file:
        levels = file.series[0].levels if name.endswith(".ome.tiff") else file.pages
        assert [one.shape for one in levels] == [(2048, 2560, 3), (512, 640, 3), (128, 160, 3)]
        whole = tifffile.imread(tmp_path / "s.tif", key=0)
        difference = levels[1].asarray() - whole.reshape(512, 4, 640, 4, 3).mean((1, 3))
        assert numpy.abs(difference).mean() < 2
    shown = good("plan", "--slide", tmp_path / name, "--size-px", 100, "--mpp", 2, "--tissue", "none", "--out",
                 tmp_path / "p.h5")
    assert shown["level"] == 1


def test_clients_read_the_wrapped_slide(jpeg_slide, tmp_path):
    pyvips = pytest.importorskip("pyvips")
    openslide = pytest.importorskip("openslide")
    good("convert", jpeg_slide, tmp_path / "out.tiff")
    before = pyvips.Image.new_from_file(str(jpeg_slide)).numpy()
    assert numpy.array_equal(pyvips.Image.new_from_file(str(tmp_path / "out.tiff")).numpy(), before)
    with openslide.OpenSlide(tmp_path / "out.tiff") as slide:
        assert slide.level_dimensions == ((1500, 1100), (375, 275), (188, 138))
        assert float(slide.properties["openslide.mpp-x"]) == pytest.approx(0.5)
        region = numpy.asarray(slide.read_region((0, 0), 0, (1500, 1100)))[..., :3]
    with openslide.OpenSlide(jpeg_slide) as slide:
        assert numpy.array_equal(region,
                                 numpy.asarray(slide.read_region((0, 0), 0, (1500, 1100)))[..., :3])


@pytest.fixture
def plain_slide(tmp_path):
    """2000 x 1600 px of 0.5 µm; the left half is darker."""
    path = tmp_path / "p.tif"
    pixels = numpy.full((1600, 2000, 3), 245, numpy.uint8)
    pixels[:, :1000] = (180, 90, 160)
    tifffile.imwrite(path, pixels, photometric="rgb", tile=(256, 256), metadata=None,
                     resolution=(20000, 20000), resolutionunit="CENTIMETER")
    return path


CORNERS = numpy.array([[x, y] for y in range(0, 1600, 200) for x in range(0, 2000, 200)])


def foreign(path, layout):
    """Features that tell left from right, as each program stores them; patches of 200 level-0 px."""
    values = numpy.random.default_rng(5).normal(size=(len(CORNERS), 8)).astype(numpy.float32)
    values[:, 0] += 4 * (CORNERS[:, 0] < 1000)
    with h5py.File(path, "w") as file:
        if layout == "stamp":
            file["feats"] = values.astype(numpy.float16)
            file["coords"] = CORNERS * 0.5
            file.attrs.update(unit="um", tile_size_um=100.0, tile_size_px=100, extractor="uni")
            return
        file["features"] = values
        coords = file.create_dataset("coords", data=CORNERS)
        if layout == "trident":
            file["features"].attrs["encoder"] = "uni"
            coords.attrs.update(patch_size=100, patch_size_level0=200, level0_width=2000,
                                level0_height=1600, target_magnification=10, overlap=0)
        elif layout == "clam":
            coords.attrs.update(patch_size=200, patch_level=0)


@pytest.mark.parametrize("layout", ["trident", "clam", "stamp"])
def test_foreign_features_train_and_score(plain_slide, tmp_path, layout):
    foreign(tmp_path / "f.h5", layout)
    (tmp_path / "a.xml").write_text(
        '<ASAP_Annotations><Annotations><Annotation Name="a" Type="Rectangle" PartOfGroup="T">'
        '<Coordinates><Coordinate Order="0" X="0" Y="0"/><Coordinate Order="1" X="1000" Y="0"/>'
        '<Coordinate Order="2" X="1000" Y="1600"/><Coordinate Order="3" X="0" Y="1600"/>'
        "</Coordinates></Annotation></Annotations><AnnotationGroups><Group Name=\"T\"/>"
        "</AnnotationGroups></ASAP_Annotations>")
    made = good("features", "import", "--features", tmp_path / "f.h5", "--slide", plain_slide,
                "--encoder-name", "uni", "--annotations", tmp_path / "a.xml", "--classes",
                "normal", "tumor", "--groups", "T:tumor", "--rest-of-tissue", "normal",
                "--out", tmp_path / "mine.h5")
    assert made["patch_extent_px"] == pytest.approx(200) and made["labelled"] == 80
    assert made["feature_space"].startswith("foreign: uni/")
    good("train", "--features", tmp_path / "mine.h5", "--l2", 0.1, "--out", tmp_path / "model")
    good("score", "--features", tmp_path / "mine.h5", "--model", tmp_path / "model", "--out",
         tmp_path / "s.csv")
    rows = numpy.genfromtxt(tmp_path / "s.csv", delimiter=",", names=True)
    tumour = rows["minx"] < 1000
    assert rows["prob_tumor"][tumour].mean() > 0.7 > 0.3 > rows["prob_tumor"][~tumour].mean()
    message = bad("score", "--slide", plain_slide, "--model", tmp_path / "model", "--out",
                  tmp_path / "t.csv")
    assert "score feature files" in message


def test_clams_features_need_the_size_of_patches(plain_slide, tmp_path):
    foreign(tmp_path / "f.h5", "none")
    words = ("features", "import", "--features", tmp_path / "f.h5", "--slide", plain_slide,
             "--encoder-name", "uni", "--out", tmp_path / "mine.h5")
    assert "CLAM's file of patches/" in bad(*words)
    with h5py.File(tmp_path / "patches.h5", "w") as file:
        file.create_dataset("coords", data=CORNERS).attrs.update(patch_size=50, patch_level=0,
                                                                 custom_downsample=4)
    assert good(*words, "--coords", tmp_path / "patches.h5")["patch_extent_px"] == pytest.approx(200)
    with h5py.File(tmp_path / "patches.h5", "w") as file:
        file.create_dataset("coords", data=CORNERS + 1).attrs["patch_size"] = 50
    assert "its positions are not those of" in bad(*words, "--coords", tmp_path / "patches.h5")


def test_a_picture_beside_the_slide_is_left_out_unless_asked(tmp_path):
    path = tmp_path / "s.tif"
    pixels = numpy.full((600, 700, 3), 200, numpy.uint8)
    with tifffile.TiffWriter(path) as file:
        file.write(pixels, tile=(256, 256), compression="jpeg", photometric="ycbcr",
                   subsampling=(2, 2), metadata=None)
        file.write(pixels[:90, :120], tile=(64, 64), compression="jpeg", photometric="ycbcr",
                   subsampling=(2, 2), metadata=None, description="label")
    made = good("convert", path, tmp_path / "a.tiff")
    if "label" not in " ".join(made["warnings"]):
        pytest.skip("no label is found in such a file")
    assert made["pictures"] == 0
    assert good("convert", path, tmp_path / "b.tiff", "--keep-pictures")["pictures"] == 1
    assert Image.open(tmp_path / "b.tiff").n_frames > Image.open(tmp_path / "a.tiff").n_frames
