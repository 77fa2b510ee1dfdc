# SPDX-License-Identifier: Apache-2.0
"""One measurement of a peer as one JSON line, as read_bench's `patches` gives ours.

    python peers.py READER SLIDE THREADS SIZE_PX MPP FILE [check]

MPP 0: level 0, native pixels. Each reader is used as its documentation shows: opened once, one
handle a thread, patches as RGB arrays.
"""

import json
import resource
import sys
import threading
import time
import zlib

import numpy


def open_pyvips(path, size, mpp):
    import pyvips

    def make():
        image = pyvips.Image.new_from_file(path, page=0, access="random")
        if mpp:
            # libvips's own way to a coarser scale: one image, reduced lazily by area.
            factor = mpp * image.xres / 1000
            image = image.shrink(factor, factor)
            scale = 1 / factor
        else:
            scale = 1.0
        region = pyvips.Region.new(image)

        def read(x, y):
            data = region.fetch(round(x * scale), round(y * scale), size, size)
            return numpy.frombuffer(data, numpy.uint8).reshape(size, size, -1)[..., :3]

        return read

    return make


def open_openslide(path, size, mpp):
    import openslide
    from PIL import Image

    def make():
        slide = openslide.OpenSlide(path)
        if mpp:
            factor = mpp / float(slide.properties["openslide.mpp-x"])
            side = round(size * factor)

        def read(x, y):
            if not mpp:
                return numpy.asarray(slide.read_region((x, y), 0, (size, size)))[..., :3]
            image = slide.read_region((x, y), 0, (side, side)).convert("RGB")
            return numpy.asarray(image.resize((size, size), Image.BOX))

        return read

    return make


def open_cucim(path, size, mpp):
    from cucim import CuImage

    CuImage.cache("per_process", memory_capacity=256)

    def make():
        slide = CuImage(path)

        def read(x, y):
            return numpy.asarray(slide.read_region((x, y), (size, size), 0))[..., :3]

        return read

    return make


def open_tiffslide(path, size, mpp):
    import tiffslide

    def make():
        slide = tiffslide.TiffSlide(path)

        def read(x, y):
            return slide.read_region((x, y), 0, (size, size), as_array=True)

        return read

    return make


def open_fastslide(path, size, mpp):
    import fastslide

    def make():
        slide = fastslide.FastSlide.from_file_path(path)

        def read(x, y):
            return slide.read_region(location=(x, y), level=0, size=(size, size)).numpy()

        return read

    return make


READERS = {name[5:]: value for name, value in list(globals().items()) if name.startswith("open_")}


def run(reader, path, threads, size, mpp, positions, check):
    rows = [tuple(map(int, line.split())) for line in open(positions)]
    start = time.perf_counter()
    make = READERS[reader](path, size, mpp)
    sums, totals = [0] * threads, [0] * threads

    def work(worker):
        read = make()
        # A contiguous part each, so that neighbours meet the same cache.
        begin, end = len(rows) * worker // threads, len(rows) * (worker + 1) // threads
        for index in range(begin, end):
            pixels = read(*rows[index])
            if check:
                data = numpy.ascontiguousarray(pixels)
                sums[worker] += zlib.crc32(data) * (index + 1)
                totals[worker] += int(data.sum(dtype=numpy.int64))

    workers = [threading.Thread(target=work, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    result = {"count": len(rows), "seconds": time.perf_counter() - start,
              "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}
    if check:
        result["checksum"] = f"{sum(sums) % 2**64:016x}"
        result["mean"] = sum(totals) / (len(rows) * size * size * 3)
    print(json.dumps(result))


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]),
        sys.argv[6], len(sys.argv) > 7)
