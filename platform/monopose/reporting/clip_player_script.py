"""The player's HTML, style and script. No library: two canvases and one clock.

2D: the crop where it was cut, keypoints over it, hollow where the score is low. 3D: orthographic,
turned by dragging, zoomed by the wheel, on a floor grid of half a metre.
"""

PLAYER = """
<style>
.player { border: 1px solid var(--line); border-radius: .5rem; overflow: hidden;
  background: var(--panel); }
.player .bar { display: flex; flex-wrap: wrap; gap: .5rem .75rem; align-items: center;
  padding: .6rem .75rem; }
.player select, .player button { font: inherit; font-size: .875rem; padding: .25rem .5rem;
  color: var(--text); background: var(--page); border: 1px solid var(--line);
  border-radius: .35rem; max-width: 100%; }
.player button { min-width: 4.5rem; cursor: pointer; }
.player .stage { display: grid; grid-template-columns: 1fr 1fr; gap: 1px; background: var(--line); }
.player canvas { display: block; width: 100%; height: 26rem; background: var(--page);
  touch-action: none; }
.player canvas.turned { cursor: grab; }
.player input[type=range] { flex: 1 1 12rem; min-width: 8rem; }
.player output { min-width: 10rem; font-variant-numeric: tabular-nums; font-size: .875rem; }
.player .about { flex-basis: 100%; color: var(--quiet); font-size: .875rem;
  overflow-wrap: anywhere; }
@media (max-width: 46rem) { .player .stage { grid-template-columns: 1fr; }
  .player canvas { height: 20rem; } }
</style>
<div class="player" role="group" aria-label="clips to play">
<div class="bar"><select class="clip" aria-label="clip"></select>
<select class="view" aria-label="view"></select>
<select class="speed" aria-label="speed"><option value="1">real time</option>
<option value="0.5">half speed</option><option value="0.25">quarter speed</option></select>
<span class="about"></span></div>
<div class="stage"><canvas class="flat"></canvas><canvas class="turned"></canvas></div>
<div class="bar"><button class="play">Play</button>
<input type="range" min="0" value="0" aria-label="frame"><output></output></div>
</div>
<script type="application/json" class="player-clips">__CLIPS__</script>
<script>
(() => {
const root = document.currentScript.parentElement.querySelector('.player');
const clips = JSON.parse(document.querySelector('.player-clips').textContent);
const find = (name) => root.querySelector(name);
const flat = find('canvas.flat'), turned = find('canvas.turned'), slider = find('input');
const pick = find('.clip'), views = find('.view'), button = find('.play');
const COLOURS = ['#8a8a8a', '#4a90c4', '#e07b1a'];
let clip, view, frame = 0, playing = false, last = 0, spent = 0, images = [], frames = 1;
let azimuth = 0.6, elevation = 0.25, zoom = 1;

clips.forEach((each, i) => pick.add(new Option(each.id, i)));
const style = (name) => getComputedStyle(document.body).getPropertyValue(name);

function open(number) {
  clip = clips[number];
  views.replaceChildren();
  clip.views.forEach((each, i) => views.add(new Option(`view ${i}: ${each.name}`, i)));
  const first = clip.views[0];
  frames = (clip.pose || first.keypoints || first.images || [0]).length;
  slider.max = frames - 1;
  button.disabled = slider.disabled = frames < 2;
  const every = clip.stride > 1 ? `; one frame in ${clip.stride} is here` : '';
  const hidden = clip.hidden ? `; ${clip.hidden} more views are not` : '';
  find('.about').textContent = clip.about + every + hidden;
  frame = 0; zoom = 1;
  look(0);
}
function look(number) {
  view = clip.views[number];
  images = (view.images || []).map((source) => {
    const image = new Image(); image.onload = draw; image.src = source; return image; });
  view.frame = view.frame || around(view);
  draw();
}
function around(each) {
  // The part of the image that is drawn: all crops, or all keypoints with a margin.
  let x0 = Infinity, y0 = Infinity, x1 = -Infinity, y1 = -Infinity;
  const take = (x, y) => { x0 = Math.min(x0, x); x1 = Math.max(x1, x);
    y0 = Math.min(y0, y); y1 = Math.max(y1, y); };
  (each.boxes || []).forEach(([x, y, w, h]) => { if (w) { take(x, y); take(x + w, y + h); } });
  if (x0 > x1) (each.keypoints || []).forEach((pose, t) => pose.forEach(([x, y], j) => {
    if (!each.score || each.score[t][j] > 0) take(x, y); }));
  if (x0 > x1) { take(0, 0); take(...(each.size || [1, 1])); }
  const margin = each.boxes ? 0 : 0.12 * Math.max(x1 - x0, y1 - y0, 1);
  return [x0 - margin, y0 - margin, x1 + margin, y1 + margin];
}
function sheet(canvas) {
  const scale = devicePixelRatio || 1, box = canvas.getBoundingClientRect();
  canvas.width = Math.max(1, box.width * scale); canvas.height = Math.max(1, box.height * scale);
  const pen = canvas.getContext('2d');
  pen.scale(scale, scale); pen.lineCap = 'round';
  return [pen, box.width, box.height];
}
function note(pen, text) {
  pen.fillStyle = style('--quiet'); pen.font = '13px system-ui, sans-serif';
  pen.fillText(text, 12, 22);
}
function drawFlat() {
  const [pen, width, height] = sheet(flat), [x0, y0, x1, y1] = view.frame;
  const scale = Math.min(width / (x1 - x0), height / (y1 - y0));
  const left = (width - scale * (x1 - x0)) / 2, top = (height - scale * (y1 - y0)) / 2;
  const at = ([x, y]) => [left + (x - x0) * scale, top + (y - y0) * scale];
  if (view.size) {
    pen.strokeStyle = style('--line');
    pen.strokeRect(...at([0, 0]), view.size[0] * scale, view.size[1] * scale);
  }
  const image = images[frame];
  if (image && image.complete && image.naturalWidth) {
    const box = view.boxes ? view.boxes[frame] : [0, 0, ...(view.size || [1, 1])];
    pen.drawImage(image, ...at(box), box[2] * scale, box[3] * scale);
  }
  if (!view.keypoints) return note(pen, 'no 2D keypoints');
  const pose = view.keypoints[frame], score = view.score ? view.score[frame] : null;
  const there = (joint) => !score || score[joint] > 0;
  for (const [child, parent, side] of clip.bones) {
    if (!there(child) || !there(parent)) continue;
    pen.globalAlpha = score ? 0.35 + 0.65 * Math.min(score[child], score[parent]) / 100 : 1;
    line(pen, at(pose[child]), at(pose[parent]), COLOURS[side], 3);
  }
  pen.globalAlpha = 1;
  pose.forEach((place, joint) => { if (there(joint)) {
    pen.beginPath(); pen.arc(...at(place), 3, 0, 7);
    pen.fillStyle = !score || score[joint] >= 50 ? style('--text') : style('--page');
    pen.strokeStyle = style('--text'); pen.lineWidth = 1; pen.fill(); pen.stroke(); } });
  note(pen, '2D' + (images.length ? '' : ', no image stored'));
}
function line(pen, from, to, colour, width) {
  pen.strokeStyle = colour; pen.lineWidth = width;
  pen.beginPath(); pen.moveTo(...from); pen.lineTo(...to); pen.stroke();
}
function extent() {
  // Of all frames once, so that nothing jumps; the floor lies under the lowest joint.
  if (clip.extent) return clip.extent;
  const low = [1e9, 1e9, 1e9], high = [-1e9, -1e9, -1e9];
  clip.pose.forEach((pose) => pose.forEach((place) => place.forEach((value, axis) => {
    low[axis] = Math.min(low[axis], value); high[axis] = Math.max(high[axis], value); })));
  return clip.extent = [low, high];
}
function drawTurned() {
  const [pen, width, height] = sheet(turned);
  if (!clip.pose) return note(pen, 'no 3D');
  const [low, high] = extent(), middle = low.map((value, axis) => (value + high[axis]) / 2);
  const reach = Math.hypot(...low.map((value, axis) => high[axis] - value)) + 300;
  const scale = zoom * Math.min(width, height) * 1.15 / reach;
  const [ca, sa, ce, se] = [Math.cos(azimuth), Math.sin(azimuth),
    Math.cos(elevation), Math.sin(elevation)];
  const seen = ([x, y, z]) => { x -= middle[0]; y -= middle[1]; z -= middle[2];
    const across = ca * x + sa * y, depth = -sa * x + ca * y;
    return [width / 2 + scale * across, height / 2 - scale * (ce * z + se * depth), -depth]; };
  const span = (axis, step) => { const all = [];
    for (let v = Math.floor(low[axis] / step) * step; v <= high[axis] + step; v += step)
      all.push(v); return all; };
  const step = reach > 20000 ? Math.pow(10, Math.floor(Math.log10(reach)) - 1) : 500;
  const xs = span(0, step), ys = span(1, step), floor = low[2];
  for (const x of xs) line(pen, seen([x, ys[0], floor]), seen([x, ys.at(-1), floor]),
    style('--line'), 1);
  for (const y of ys) line(pen, seen([xs[0], y, floor]), seen([xs.at(-1), y, floor]),
    style('--line'), 1);
  const pose = clip.pose[frame].map(seen);
  [...clip.bones].sort((a, b) => pose[a[0]][2] - pose[b[0]][2]).forEach(([child, parent, side]) =>
    line(pen, pose[child].slice(0, 2), pose[parent].slice(0, 2), COLOURS[side], 4));
  note(pen, `3D, ${clip.world ? 'world' : "first camera's frame"}, grid ${step / 1000} m`);
}
function draw() {
  if (!clip) return;
  slider.value = frame;
  const real = frame * clip.stride;
  find('output').textContent = `frame ${real}, ${(real / clip.fps).toFixed(2)} s`;
  drawFlat(); drawTurned();
}
function tick(now) {
  if (!playing) return;
  spent += (now - last) / 1000 * Number(find('.speed').value); last = now;
  const lasts = clip.stride / clip.fps, steps = Math.floor(spent / lasts);
  if (steps) { spent -= steps * lasts; frame = (frame + steps) % frames; draw(); }
  requestAnimationFrame(tick);
}
function play(on) {
  playing = on && frames > 1; button.textContent = playing ? 'Pause' : 'Play';
  last = performance.now(); spent = 0; if (playing) requestAnimationFrame(tick);
}
pick.onchange = () => { open(Number(pick.value)); play(playing); };
views.onchange = () => look(Number(views.value));
slider.oninput = () => { play(false); frame = Number(slider.value); draw(); };
button.onclick = () => play(!playing);
turned.onpointerdown = (event) => turned.setPointerCapture(event.pointerId);
turned.onpointermove = (event) => { if (!event.buttons) return;
  azimuth += event.movementX / 120;
  elevation = Math.max(-1.5, Math.min(1.5, elevation + event.movementY / 120)); drawTurned(); };
turned.addEventListener('wheel', (event) => { event.preventDefault();
  zoom *= Math.exp(-event.deltaY / 800); drawTurned(); }, { passive: false });
addEventListener('resize', draw);
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
open(0);
})();
</script>
"""
