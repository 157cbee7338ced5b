"""The same eight images, labelled in the form of every tool and data set that is known."""

import json

from told import text

IMAGES = [f"images/{n:03}.jpg" for n in range(8)]
NAMES = [image.rpartition("/")[2] for image in IMAGES]
LABELS = {image: ("cat", "dog")[n % 2] for n, image in enumerate(IMAGES)}
PAIRS = [(name, LABELS[f"images/{name}"]) for name in NAMES]


def js(content: object) -> bytes:
    return json.dumps(content, ensure_ascii=False).encode()


def coco(boxes: dict[str, list[str]]) -> bytes:
    known = sorted({word for words in boxes.values() for word in words})
    images = [{"id": n, "file_name": name} for n, name in enumerate(boxes)]
    marks = [(n, known.index(word)) for n, words in enumerate(boxes.values()) for word in words]
    return js(
        {
            "images": images,
            "annotations": [{"id": k, "image_id": n, "category_id": c, "bbox": [0, 0, 4, 4]}
                            for k, (n, c) in enumerate(marks)],
            "categories": [{"id": n, "name": word} for n, word in enumerate(known)],
        }
    )  # fmt: skip


def voc(name: str, words: list[str]) -> bytes:
    objects = "".join(f"<object><name>{word}</name></object>" for word in words)
    return f"<annotation><filename>{name}</filename>{objects}</annotation>".encode()


def label_studio(name: str, word: str) -> dict[str, object]:
    result = {"type": "choices", "value": {"choices": [word]}}
    return {
        "data": {"image": f"/data/upload/1/ab12cd34-{name}"},
        "annotations": [{"result": [result]}],
    }


BOXES = {f"labels/{n[:-4]}.txt": f"{int(w == 'dog')} 0.5 0.5 0.2 0.2\n".encode() for n, w in PAIRS}
ROWS = [{"file": name, "label": word} for name, word in PAIRS]


def labelme(name: str, word: str) -> bytes:
    shapes = [{"label": word, "points": [[0, 0], [4, 4]]}]
    return js({"imagePath": f"..\\images\\{name}", "shapes": shapes, "flags": {}})


def flagged(name: str, word: str) -> bytes:
    return js({"imagePath": name, "shapes": [], "flags": {w: w == word for w in ("cat", "dog")}})


def via(name: str, word: str) -> dict[str, object]:
    regions = [{"region_attributes": {"kind": word}}]
    return {"filename": name, "file_attributes": {}, "regions": regions}


LINES = "\n".join(json.dumps({"file_name": name, "label": word}) for name, word in PAIRS)
FORMS: dict[str, dict[str, bytes]] = {
    "COCO": {"annotations/instances.json": coco({name: [word] * 2 for name, word in PAIRS})},
    "Pascal VOC": {f"ann/{n[:-4]}.xml": voc(n, [word, word]) for n, word in PAIRS},
    "Pascal VOC of renamed images": {f"ann/{n[:-4]}.xml": voc("IMG.jpg", [w]) for n, w in PAIRS},
    "CVAT": {
        "annotations.xml": "".join(
            ("<annotations>", *(f'<image name="{n}"><tag label="{w}"/></image>' for n, w in PAIRS),
             "</annotations>")
        ).encode()
    },
    "YOLO with data.yaml": {
        "data.yaml": b"train: images\nnames: [cat, dog]\n",
        **BOXES,
    },
    "YOLO with numbered names": {
        "data.yaml": b"names:\n  0: cat\n  1: dog\n",
        **BOXES,
    },
    "YOLO with classes.txt": {
        "labels/classes.txt": b"cat\ndog\n",
        **BOXES,
    },
    "Label Studio": {"export.json": js([label_studio(name, word) for name, word in PAIRS])},
    "Label Studio, short": {
        "export.json": js([{"image": f"/data/upload/ab12cd34-{n}", "choice": w} for n, w in PAIRS])
    },
    "LabelMe": {f"{n[:-4]}.json": labelme(n, w) for n, w in PAIRS},
    "LabelMe with flags": {f"{n[:-4]}.json": flagged(n, w) for n, w in PAIRS},
    "VIA": {"via.json": js({f"{n}123": via(n, w) for n, w in PAIRS})},
    "CreateML": {
        "_annotations.createml.json": js(
            [{"image": n, "annotations": [{"label": w}]} for n, w in PAIRS]
        )
    },
    "metadata.jsonl": {"images/metadata.jsonl": LINES.encode()},
    "a list of objects": {"labels.json": js(ROWS)},
    "a list in an object": {"labels.json": js({"version": 1, "data": ROWS})},
    "label by file": {"labels.json": js(dict(PAIRS))},
    "files by label": {
        "labels.json": js({w: [n for n, other in PAIRS if other == w] for w in ("cat", "dog")})
    },
    "pandas by columns": {
        "labels.json": js({"file": {str(k): n for k, (n, _) in enumerate(PAIRS)},
                           "label": {str(k): w for k, (_, w) in enumerate(PAIRS)}})
    },
    "pandas split": {"labels.json": js({"columns": ["file", "label"], "data": PAIRS})},
    "Caffe list": {
        "train.txt": "".join(f"images/{n} {int(w == 'dog')}\n" for n, w in PAIRS).encode(),
        "classes.txt": b"cat\ndog\n",
    },
    "Caffe list with synset words": {
        "val.txt": "".join(f"{n} {int(w == 'dog')}\n" for n, w in PAIRS).encode(),
        "synset_words.txt": b"n02121808 cat\nn02084071 dog\n",
    },
    "list with names": {"list.txt": "".join(f"{n}\t{w}\n" for n, w in PAIRS).encode()},
    "label map": {
        "labels.csv": text([("id", "label"), *((n, int(w == "dog")) for n, w in PAIRS)]),
        "label_map.json": js({"cat": 0, "dog": 1}),
    },
    "id2label": {
        "labels.csv": text([("id", "label"), *((n, int(w == "dog")) for n, w in PAIRS)]),
        "config.json": js({"model": "x", "id2label": {"0": "cat", "1": "dog"}}),
    },
    "labels.csv.txt": {"labels.csv.txt": text([("file", "label"), *PAIRS])},
    "labels.tsv.txt": {"labels.tsv.txt": text([("file", "label"), *PAIRS], "\t")},
}  # fmt: skip
