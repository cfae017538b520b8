"""PyTorch's side of `npm run bench`: the cases of cases.ts with diffusers' UNet. Reads the name of a case from
each line of standard input, runs it once and answers with the milliseconds it took."""

import json
import sys
import time

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel

settings = json.loads(sys.argv[1])
torch.set_num_threads(settings["threads"])
torch.set_flush_denormal(True)
torch.manual_seed(0)


def world_unet():
    return UNet2DConditionModel.from_config(settings["unet"]).train()


def dpo_training(rows):
    policy, reference = world_unet(), world_unet().requires_grad_(False)
    reference.load_state_dict(policy.state_dict())
    optimizer = torch.optim.AdamW(policy.parameters(), lr=1e-5)
    noise = torch.randn(rows // 2, 4, 8, 8).repeat(2, 1, 1, 1)
    noisy = torch.randn(rows, 4, 8, 8)
    times = torch.tensor([((i % (rows // 2)) * 61) % 1000 for i in range(rows)])
    text = torch.randn(rows, 20, 64)

    def errors(model):
        return (model(noisy, times, text).sample - noise).pow(2).mean(dim=[1, 2, 3]).chunk(2)

    def run():
        with torch.no_grad():
            ref_w, ref_l = errors(reference)
        w, l = errors(policy)
        loss = -F.logsigmoid(-((w - l) - (ref_w - ref_l))).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return run


def sampling(pictures):
    model = world_unet().eval()
    text = torch.randn(2 * pictures, 20, 64)
    latents = torch.randn(pictures, 4, 8, 8)

    @torch.no_grad()
    def run():
        x = latents
        for timestep in (751, 501, 251, 1):
            uncond, cond = model(torch.cat([x, x]), timestep, text).sample.chunk(2)
            x = x * 0.9 + (uncond + 7.5 * (cond - uncond)) * 0.1
        return x.sum().item()

    return run


def conv_training(rows):
    widths = [3, 64, 64, 64, 3]
    layers = []
    for i in range(4):
        layers.append(torch.nn.Conv2d(widths[i], widths[i + 1], 3, padding=1))
        if i < 3:
            layers += [torch.nn.GroupNorm(8, 64), torch.nn.SiLU()]
    net = torch.nn.Sequential(*layers)
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-4)
    x, target = torch.randn(rows, 3, 16, 16), torch.randn(rows, 3, 16, 16)

    def run():
        loss = F.mse_loss(net(x), target)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        return loss.item()

    return run


cases = {
    "train-16": lambda: dpo_training(16),
    "train-64": lambda: dpo_training(64),
    "sample-16": lambda: sampling(16),
    "conv-64": lambda: conv_training(64),
}
ready = {}
print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
for line in sys.stdin:
    name = line.strip()
    if name not in ready:
        ready[name] = cases[name]()
    start = time.perf_counter()
    ready[name]()
    print(json.dumps({"ms": (time.perf_counter() - start) * 1e3}), flush=True)
