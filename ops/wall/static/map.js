// Canvas map without dependencies: a base layer (cells, outlines) drawn when figures change, a live
// layer (lights) drawn twenty times a second, and names on top, so that neither ever covers them.
// Measured: 5,000 cells at 4K without a GPU.
export const RAMP = ['#1d3248', '#1f4c70', '#236d9c', '#3791c0', '#69b6d8', '#a9dcec'];
const STEPS = [[1, 2, 3, 5, 8], [1, 3, 6, 10, 15], [1, 5, 10, 20, 40], [1, 10, 25, 50, 100], [1, 25, 75, 150, 300], [1, 100, 300, 600, 1200], [1, 500, 1500, 3000, 6000]];
const FONT = '"Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif';
const COLORS = { red: '#ff6166', yellow: '#ffc53d', emergency: '#ffffff' };
const FRAME_MS = 50;

// Lower bounds of the classes above "none": the last class holds about one busy grid in fifty.
export function breaks(counts) {
  const busy = counts.filter((n) => n > 0).sort((a, b) => a - b);
  const high = busy.length ? busy[Math.floor(busy.length * 0.98)] : 0;
  return STEPS.find((s) => high <= s[4] * 1.6) || STEPS[STEPS.length - 1];
}

export class GridMap {
  constructor(box, geo, onhover) {
    Object.assign(this, { box, onhover, zoom: 1, counts: [], points: [], steps: STEPS[0] });
    this.base = box.appendChild(document.createElement('canvas'));
    this.live = box.appendChild(document.createElement('canvas'));
    this.top = box.appendChild(document.createElement('canvas'));
    this.calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    this.#read(geo);
    this.#listen();
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(box);
    this.frame = requestAnimationFrame(this.#tick);
  }

  // Counts in the order of the grids; points as [grid, red, yellow, emergencies].
  show(counts, points) {
    if (counts !== this.counts) {
      this.counts = counts;
      this.steps = breaks(counts);
      this.#draw();
    }
    this.points = points;
  }

  close() { cancelAnimationFrame(this.frame); this.observer.disconnect(); }

  #read(geo) {
    const of = (level) => geo.features.filter((f) => f.properties.level === level);
    const grids = of('grid');
    const lats = grids.flatMap((f) => f.geometry.coordinates[0].map((p) => p[1]));
    const low = lats.reduce((a, b) => Math.min(a, b), 90), high = lats.reduce((a, b) => Math.max(a, b), -90);
    const squeeze = Math.cos((low + high) / 2 * Math.PI / 180); // a degree of longitude is shorter here
    this.project = ([lon, lat]) => [lon * squeeze, -lat];
    const path = (lines, closed) => {
      const p = new Path2D();
      for (const line of lines) {
        line.map(this.project).forEach(([x, y], i) => p[i ? 'lineTo' : 'moveTo'](x * 1e4, y * 1e4));
        if (closed) p.closePath();
      }
      return p;
    };
    this.grids = grids.map((f) => f.properties);
    this.paths = grids.map((f) => path(f.geometry.coordinates, true));
    this.boxes = grids.map((f) => around(f.geometry.coordinates[0].map(this.project)));
    this.middles = this.boxes.map(([a, b, c, d]) => [(a + c) / 2, (b + d) / 2]);
    this.extent = around(this.boxes.flatMap(([a, b, c, d]) => [[a, b], [c, d]]));
    this.outlines = { town: new Path2D(), county: new Path2D() };
    for (const level of ['town', 'county']) for (const f of of(level)) this.outlines[level].addPath(path(f.geometry.coordinates, false));
    this.labels = of('label').map((f) => [f.properties.name, this.project(f.geometry.coordinates)]);
    this.centre = [(this.extent[0] + this.extent[2]) / 2, (this.extent[1] + this.extent[3]) / 2];
  }

  #resize() {
    this.dpr = devicePixelRatio || 1;
    const w = this.box.clientWidth * this.dpr, h = this.box.clientHeight * this.dpr;
    if (!w || !h) return;
    for (const c of [this.base, this.live, this.top]) { c.width = w; c.height = h; }
    this.unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16 * this.dpr;
    const [a, b, c, d] = this.extent;
    this.fit = Math.min(w / (c - a), h / (d - b)) * 0.96;
    this.#draw();
  }

  #scale() { return this.fit * this.zoom; }
  #place([x, y]) {
    return [this.base.width / 2 + (x - this.centre[0]) * this.#scale(), this.base.height / 2 + (y - this.centre[1]) * this.#scale()];
  }
  #transform(g) {
    const k = this.#scale() / 1e4;
    g.setTransform(k, 0, 0, k, g.canvas.width / 2 - this.centre[0] * this.#scale(), g.canvas.height / 2 - this.centre[1] * this.#scale());
    return k;
  }
  #level(n) { let k = 0; while (k < 5 && n >= this.steps[k]) k++; return k; }

  #draw() {
    if (!this.fit) return;
    const g = this.base.getContext('2d');
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, this.base.width, this.base.height);
    const k = this.#transform(g), byLevel = RAMP.map(() => new Path2D());
    this.paths.forEach((p, i) => byLevel[this.#level(this.counts[i] || 0)].addPath(p));
    byLevel.forEach((p, i) => { g.fillStyle = RAMP[i]; g.fill(p); });
    g.lineJoin = 'round';
    const stroke = (p, width, color) => { g.lineWidth = width * this.unit / k; g.strokeStyle = color; g.stroke(p); };
    for (const p of byLevel) stroke(p, 0.5, '#0c1826');
    stroke(this.outlines.town, 0.9, '#86a6c455');
    stroke(this.outlines.county, 3.2, '#0c1826cc');
    stroke(this.outlines.county, 1.5, '#c3d6e8cc');
    this.#write(this.top.getContext('2d'));
  }

  #write(g) {
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, this.top.width, this.top.height);
    g.font = `600 ${17 * this.unit}px ${FONT}`;
    g.textAlign = 'center';
    g.textBaseline = 'middle';
    g.lineJoin = 'round';
    const taken = [];
    for (const [name, at] of this.labels) {
      let [x, y] = this.#place(at);
      const w = g.measureText(name).width / 2 + 4 * this.unit, h = 12 * this.unit;
      for (const t of taken) if (Math.abs(t[0] - x) < t[2] + w && Math.abs(t[1] - y) < t[3] + h) y = t[1] + t[3] + h;
      taken.push([x, y, w, h]);
      g.lineWidth = 4 * this.unit;
      g.strokeStyle = '#0a1420e6';
      g.strokeText(name, x, y);
      g.fillStyle = '#f1f7fd';
      g.fillText(name, x, y);
    }
  }

  #tick = (t) => {
    this.frame = requestAnimationFrame(this.#tick);
    if (t - (this.drawn || 0) < (this.calm ? 1000 : FRAME_MS) || !this.fit) return;
    this.drawn = t;
    const g = this.live.getContext('2d'), u = this.unit, phase = this.calm ? 0.3 : (t % 2400) / 2400;
    g.setTransform(1, 0, 0, 1, 0, 0);
    g.clearRect(0, 0, this.live.width, this.live.height);
    const k = this.points.length > 80 ? 0.75 : 1; // a crowd of lights must not hide the map
    for (const [i, red, yellow, emergencies] of this.points) {
      const [x, y] = this.#place(this.middles[i]);
      if (yellow && !red) dot(g, x, y, 2.9 * u, COLORS.yellow, u);
      if (red) { ring(g, x, y, (3.6 + 8 * phase) * u, COLORS.red, 1 - phase, u); dot(g, x, y, 3.6 * u, COLORS.red, u); }
      if (emergencies) { ring(g, x, y, (7 + 16 * phase) * k * u, COLORS.emergency, 1 - phase, k * u); diamond(g, x, y, 7 * k * u, k * u); }
    }
  }

  #hit(px, py) {
    const x = (px * this.dpr - this.base.width / 2) / this.#scale() + this.centre[0];
    const y = (py * this.dpr - this.base.height / 2) / this.#scale() + this.centre[1];
    const g = this.base.getContext('2d');
    g.setTransform(1, 0, 0, 1, 0, 0);
    return this.boxes.findIndex(([a, b, c, d], i) => x >= a && x <= c && y >= b && y <= d && g.isPointInPath(this.paths[i], x * 1e4, y * 1e4));
  }

  #listen() {
    let drag = null;
    this.box.addEventListener('wheel', (e) => {
      e.preventDefault();
      this.zoom = Math.max(1, Math.min(30, this.zoom * (e.deltaY < 0 ? 1.25 : 0.8)));
      if (this.zoom === 1) this.centre = [(this.extent[0] + this.extent[2]) / 2, (this.extent[1] + this.extent[3]) / 2];
      this.#draw();
    }, { passive: false });
    this.box.addEventListener('pointerdown', (e) => { drag = [e.clientX, e.clientY]; });
    addEventListener('pointerup', () => { drag = null; });
    this.box.addEventListener('pointerleave', () => this.onhover(-1));
    this.box.addEventListener('pointermove', (e) => {
      if (drag) {
        const k = this.#scale() / this.dpr;
        this.centre = [this.centre[0] - (e.clientX - drag[0]) / k, this.centre[1] - (e.clientY - drag[1]) / k];
        drag = [e.clientX, e.clientY];
        this.#draw();
        return;
      }
      const r = this.box.getBoundingClientRect();
      this.onhover(this.#hit(e.clientX - r.x, e.clientY - r.y), e.clientX - r.x, e.clientY - r.y);
    });
  }
}

function around(points) {
  let a = Infinity, b = Infinity, c = -Infinity, d = -Infinity;
  for (const [x, y] of points) { a = Math.min(a, x); b = Math.min(b, y); c = Math.max(c, x); d = Math.max(d, y); }
  return [a, b, c, d];
}
function dot(g, x, y, r, color, u) {
  g.beginPath(); g.arc(x, y, r, 0, 7);
  g.fillStyle = color; g.fill();
  g.lineWidth = 1.2 * u; g.strokeStyle = '#0a1420'; g.stroke();
}
function ring(g, x, y, r, color, alpha, u) {
  g.globalAlpha = alpha; g.beginPath(); g.arc(x, y, r, 0, 7);
  g.lineWidth = 1.6 * u; g.strokeStyle = color; g.stroke(); g.globalAlpha = 1;
}
function diamond(g, x, y, r, u) {
  g.beginPath(); g.moveTo(x, y - r); g.lineTo(x + r, y); g.lineTo(x, y + r); g.lineTo(x - r, y); g.closePath();
  g.fillStyle = '#e5383b'; g.fill();
  g.lineWidth = 2 * u; g.strokeStyle = '#ffffff'; g.stroke();
}
