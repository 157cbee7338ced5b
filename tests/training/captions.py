"""A text side as the hub has it, small, with weights made here."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

WORDS = ["<pad>", "<eos>", "<unk>", "a", "photo", "of", "round", "upright", "bent", "0", "1", "2"]
TOWER = {"context_length": 12, "vocab_size": len(WORDS), "width": 64, "heads": 1, "layers": 1}
SIGLIP = {
    "hf_tokenizer_name": "ours", "tokenizer_kwargs": {"clean": "canonicalize"}, "pool_type": "last",
    "no_causal_mask": True, "proj_bias": True,
}  # fmt: skip


def write_text_side(
    folder: Path, width: int, wanted: dict[str, np.ndarray] | None = None, *, clip: bool = False
) -> None:
    """The text side of a backbone with features of this width: of SigLIP's kind, or of CLIP's.

    The last layer is solved so that each sentence of `wanted` gets its direction (width,).
    """
    import open_clip

    from core.backbones.text_encoder import _tokens

    folder.mkdir(parents=True, exist_ok=True)
    vision = {"image_size": 32, "layers": 1, "width": width, "patch_size": 32, "head_width": 1}
    if not clip:
        vision = {"image_size": 32, "timm_model_name": "test_vit", "timm_proj": "none"}
    size = 48 if clip else width
    text = TOWER | {"vocab_size": 49408} if clip else TOWER | SIGLIP
    config = {"embed_dim": size, "custom_text": not clip, "vision_cfg": vision, "text_cfg": text}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config}))
    if not clip:
        _write_tokenizer(folder)
    torch.manual_seed(0)
    made = open_clip.create_model(f"local-dir:{folder}", load_weights=False).eval()
    if wanted:
        layer = made.text.text_projection
        with torch.no_grad():
            layer.weight.zero_()[:64].fill_diagonal_(1)
            layer.bias.zero_()
            read = made.encode_text(_tokens(folder, list(wanted), 12))[:, :64].double()
            sought = torch.tensor(np.stack(list(wanted.values()))).double()
            layer.weight.copy_((torch.linalg.pinv(read) @ sought).T)
    tensors = {name: value.contiguous() for name, value in made.state_dict().items()}
    save_file(tensors, folder / "open_clip_model.safetensors")


def _write_tokenizer(folder: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers

    numbers = {word: number for number, word in enumerate(WORDS)}
    reader = Tokenizer(models.WordLevel(numbers, unk_token="<unk>"))
    reader.pre_tokenizer = pre_tokenizers.Whitespace()
    reader.save(str(folder / "tokenizer.json"))
    said = {"pad_token": "<pad>", "eos_token": {"content": "<eos>"}}
    said |= {"add_bos_token": False, "add_eos_token": True}
    (folder / "tokenizer_config.json").write_text(json.dumps(said))
