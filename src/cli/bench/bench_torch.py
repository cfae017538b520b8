"""PyTorch's side of `npm run bench`, the works of catalogue.ts with diffusers' models. Sets up the work of its last
argument, says what it runs on, then runs it once for each line of its input and answers with the milliseconds; or
counts its floating-point operations on tensors without memory.

Arguments: NCHW or channels_last, number of threads, assignment in JSON."""

import json
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.models.resnet import ResnetBlock2D
from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch.utils.flop_counter import FlopCounterMode

form, threads, assignment = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
work, counting = assignment["work"], assignment["task"] == "count"
bf16 = assignment["precision"] == "bf16" and not counting  # the count is the same, and meta tensors know no autocast
memory_format = torch.channels_last if form == "channels_last" else torch.contiguous_format
torch.set_num_threads(threads)
torch.set_flush_denormal(True)
torch.manual_seed(0)


def autocast():
    return torch.autocast("cpu", torch.bfloat16, enabled=bf16)


def laid_out(x):
    return x.to(memory_format=memory_format) if isinstance(x, torch.nn.Module) or x.dim() == 4 else x


def images(*shape):
    return laid_out(torch.randn(*shape))


def denoiser():
    return laid_out(UNet2DConditionModel.from_config(work["unet"]["config"]))


def trained(parameters, lr):
    optimizer = torch.optim.AdamW(parameters, lr=lr, fused=True)

    def step(loss):
        loss.backward()
        if counting:
            return
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()

    return step


def with_adapter(unet):
    from diffusers.training_utils import cast_training_params
    from peft import LoraConfig

    unet.requires_grad_(False)
    if bf16:
        for p in unet.parameters():
            p.data = p.data.bfloat16()
    rank, targets = work["lora"]["rank"], ["to_k", "to_q", "to_v", "to_out.0"]
    unet.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=targets, init_lora_weights="gaussian"))
    cast_training_params(unet)  # to float32
    return unet


def dpo_step():
    sizes, rows = work["unet"], work["rows"]
    policy = denoiser().train()
    reference = with_adapter(policy) if "lora" in work else denoiser().requires_grad_(False)
    if work["recompute"] == "blocks" and not counting:
        policy.enable_gradient_checkpointing()
    step = trained([p for p in policy.parameters() if p.requires_grad], 1e-5)
    noise = images(rows // 2, 4, sizes["side"], sizes["side"]).repeat(2, 1, 1, 1)
    noisy = images(rows, 4, sizes["side"], sizes["side"])
    times = torch.tensor([((i % (rows // 2)) * 61 + 10) % 1000 for i in range(rows)])
    text = torch.randn(rows, *sizes["text"])

    def errors(model):
        with autocast():
            prediction = model(noisy, times, text).sample
        return (prediction.float() - noise).pow(2).mean(dim=[1, 2, 3]).chunk(2)

    def run():
        if reference is policy:
            policy.disable_adapters()
        with torch.no_grad():
            ref_w, ref_l = errors(reference)
        if reference is policy:
            policy.enable_adapters()
        w, l = errors(policy)
        loss = -F.logsigmoid(-((w - l) - (ref_w - ref_l))).mean()
        step(loss)
        return loss

    return run


def gradients(block, x):
    x = (x.bfloat16() if bf16 else x).requires_grad_(True)

    def run():
        with autocast():
            y = block(x)
        loss = y.float().sum()
        loss.backward()
        x.grad = None
        for p in block.weights:
            p.grad = None
        return loss

    return run


class Given:
    """A block with its other arguments."""

    def __init__(self, module, *args, **kwargs):
        self.module, self.args, self.kwargs = laid_out(module), args, kwargs
        self.weights = list(module.parameters())

    def __call__(self, x):
        y = self.module(x, *self.args, **self.kwargs)
        return y if isinstance(y, torch.Tensor) else y.sample


def resnet():
    channels, side = work["channels"], work["side"]
    block = ResnetBlock2D(in_channels=channels, out_channels=channels, temb_channels=1280, groups=32, eps=1e-5)
    return gradients(Given(block, torch.randn(1, 1280)), images(1, channels, side, side))


def transformer():
    channels, side = work["channels"], work["side"]
    block = Transformer2DModel(8, channels // 8, channels, cross_attention_dim=768, norm_num_groups=32)
    given = Given(block, encoder_hidden_states=torch.randn(1, 77, 768))
    return gradients(given, images(1, channels, side, side))


def sampling():
    sizes, pictures, steps = work["unet"], work["pictures"], work["steps"]
    model = denoiser().eval()
    vae = laid_out(AutoencoderKL.from_config(work["vae"])).eval() if "vae" in work else None
    text = torch.randn(2 * pictures, *sizes["text"])
    latents = images(pictures, 4, sizes["side"], sizes["side"])
    timesteps = [1 + 999 * i // steps for i in reversed(range(steps))]

    @torch.no_grad()
    def run():
        x = latents
        for timestep in timesteps:
            with autocast():
                prediction = model(torch.cat([x, x]), timestep, text).sample
            uncond, cond = prediction.float().chunk(2)
            x = x * 0.9 + (uncond + 7.5 * (cond - uncond)) * 0.1
        with autocast():
            return x if vae is None else vae.decode(x).sample

    return run


def conv_net():
    widths = [3, 64, 64, 64, 3]
    layers = []
    for i in range(4):
        layers.append(torch.nn.Conv2d(widths[i], widths[i + 1], 3, padding=1))
        if i < 3:
            layers += [torch.nn.GroupNorm(8, 64), torch.nn.SiLU()]
    net = laid_out(torch.nn.Sequential(*layers))
    step = trained(list(net.parameters()), 1e-4)
    x, target = images(work["rows"], 3, 16, 16), images(work["rows"], 3, 16, 16)

    def run():
        with autocast():
            y = net(x)
        loss = F.mse_loss(y.float(), target)
        step(loss)
        return loss

    return run


def vae():
    model = laid_out(AutoencoderKL.from_config(work["config"])).eval()
    side = work["side"]
    if "tile" in work:
        model.enable_tiling()
        model.tile_sample_min_size, model.tile_latent_min_size = work["tile"], work["tile"] // 8
    encode = work["way"] == "encode"
    x = images(1, 3, side, side) if encode else images(1, 4, side // 8, side // 8)

    @torch.no_grad()
    def run():
        with autocast():
            return model.encode(x).latent_dist.mean if encode else model.decode(x).sample

    return run


def load():
    from safetensors.torch import load_file

    path = f"{assignment['folder']}/{work['dtype']}/diffusion_pytorch_model.safetensors"

    def run():  # the file is mapped, so that nothing is read before it is copied
        return {name: tensor.to(torch.float32, copy=True) for name, tensor in load_file(path).items()}

    return run


def first_tensor():
    code = "import torch, diffusers; torch.ones(2, 2).sum().item()"
    return lambda: subprocess.run([sys.executable, "-c", code], check=True)


def matrix_product():
    a, b = torch.randn(work["side"], work["side"]), torch.randn(work["side"], work["side"])
    a, b = (a.bfloat16(), b.bfloat16()) if bf16 else (a, b)
    return lambda: a @ b


works = {
    "dpo-step": dpo_step,
    "resnet": resnet,
    "transformer": transformer,
    "sampling": sampling,
    "conv-net": conv_net,
    "vae": vae,
    "load": load,
    "first-tensor": first_tensor,
    "matrix-product": matrix_product,
}


def answer(value):
    print(json.dumps(value), flush=True)


def count():
    if work["kind"] in ("load", "first-tensor"):
        return 0
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        works[work["kind"]]()()
    return counter.get_total_flops()


if counting:
    answer({"operations": count()})
    sys.exit()
run = works[work["kind"]]()
answer({"torch": torch.__version__, "threads": torch.get_num_threads()})
for _ in sys.stdin:
    start = time.perf_counter()
    result = run()
    if isinstance(result, torch.Tensor):
        result.reshape(-1)[0].item()
    answer({"ms": (time.perf_counter() - start) * 1e3})
    del result
