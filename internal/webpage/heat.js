
  // HeatMap is a chart of cells: time across, latency upwards, and a colour for how many
  // jobs are in each cell. Its colours grow by about the same factor.
  class HeatMap extends Axes {
    get help() { return `${super.help} Up and down choose a cell.`; }
    get series() { return []; }
    get cells() { return this.chart.variants[this.variant].cells; }
    get spans() { return this.chart.spans || []; }
    count(column, band) { return band >= column[0] ? column[band - column[0] + 1] || 0 : 0; }

    legend() {
      super.legend();
      this.row = null;
      this.levels = levels(this.cells.columns);
      this.tools.insertBefore(html('span', { class: 'scale' }, 'jobs in a cell', ...this.levels.map((l) => html('span', { class: 'key', style: `--color: ${l.color}` },
        l.from === l.to ? grouped(l.from) : `${grouped(l.from)}–${grouped(l.to)}`))), this.at);
    }

    ends() { const n = this.spans.length; return n ? [this.spans[0][0], this.spans[n - 1][1]] : [Infinity, -Infinity]; }

    scale(from, to, base) {
      const { edges, columns } = this.cells;
      let low = Infinity, high = -Infinity;
      this.spans.forEach(([a, b], i) => {
        const c = columns[i];
        if (c.length === 0 || b <= from || a >= to) return;
        low = Math.min(low, c[0]);
        high = Math.max(high, c[0] + c.length - 1);
      });
      if (low > high) { low = 0; high = edges.length - 1; }
      return logarithmic(edges[low] || edges[low + 1] / 2, edges[high], base, margin.top);
    }

    // content has one path for each colour, however many cells there are.
    content(from, to) {
      const { edges, columns } = this.cells, paths = this.levels.map(() => '');
      const level = (n) => { let k = this.levels.length - 1; while (k >= 0 && this.levels[k].from > n) k--; return k; };
      this.spans.forEach(([a, b], i) => {
        if (b <= from || a >= to) return;
        const c = columns[i], left = this.x(a).toFixed(1), right = Math.max(this.x(b), this.x(a) + 1).toFixed(1);
        for (let k = 1; k < c.length;) {
          const l = level(c[k]);
          let end = k + 1;
          while (end < c.length && level(c[end]) === l) end++;
          if (l >= 0) paths[l] += `M${left},${this.y(edges[c[0] + k - 1]).toFixed(1)}H${right}V${this.y(edges[c[0] + end - 1]).toFixed(1)}H${left}Z`;
          k = end;
        }
      });
      return paths.map((d, l) => (d ? svg('path', { class: 'cell', d, style: `fill: ${this.levels[l].color}` }) : null)).filter((p) => p);
    }

    draw() {
      super.draw();
      this.over = svg('rect', { class: 'over', visibility: 'hidden' });
      this.plot.append(this.over);
      this.show();
    }

    // columnAt is the index of the column that ends at a place or goes beyond it, -1 for
    // none. The other charts round less, so their places may lie a little behind an end.
    columnAt(p) { return this.spans.findIndex(([a, b]) => { const room = (b - a) * 0.01; return p > a + room && p <= b + room; }); }
    snap(p) { const s = this.spans.find(([a, b]) => p >= a && p < b); return s ? s[1] : p; }
    stops() { return this.spans.map((s) => s[1]); }

    show() {
      this.at.textContent = '';
      this.cross.setAttribute('visibility', 'hidden');
      if (this.over) this.over.setAttribute('visibility', 'hidden');
      const p = this.group.at;
      if (p === null) return;
      this.stand(p);
      const i = this.columnAt(p);
      if (i < 0) { this.at.textContent = `at ${this.label(p)}: no job ended${this.during(p)}`; this.keep(); return; }
      const { edges, columns } = this.cells, [a, b] = this.spans[i], c = columns[i];
      let words = jobs(c.slice(1).reduce((sum, n) => sum + n, 0));
      if (this.row !== null) {
        words = `${format(edges[this.row], 'ns')} to ${format(edges[this.row + 1], 'ns')}, ${jobs(this.count(c, this.row))}`;
        this.outline(a, b);
      }
      this.at.textContent = `${digits(a)} to ${this.label(b)}: ${words}`;
      this.keep();
    }
    outline(a, b) {
      if (!this.over) return;
      const { edges } = this.cells, top = this.y(edges[this.row + 1]);
      for (const [k, v] of Object.entries({ x: this.x(a), y: top, width: Math.max(this.x(b) - this.x(a), 1), height: Math.max(this.y(edges[this.row]) - top, 1), visibility: 'visible' })) this.over.setAttribute(k, v);
    }

    move(e) {
      const y = e.clientY - this.plot.getBoundingClientRect().top, { edges } = this.cells;
      const k = edges.findIndex((edge, i) => i > 0 && y >= this.y(edge) && y < this.y(edges[i - 1]));
      this.row = k > 0 ? k - 1 : null;
      super.move(e);
    }
    leave() { this.row = null; super.leave(); }

    key(e) {
      if (e.key === 'Escape') this.row = null;
      if (e.key !== 'ArrowUp' && e.key !== 'ArrowDown') { super.key(e); return; }
      if (this.spans.length === 0) return;
      this.group.at ??= this.spans[0][1];
      const column = this.cells.columns[this.columnAt(this.group.at)] || [], last = this.cells.edges.length - 2;
      const next = this.row === null ? column[0] || 0 : this.row + (e.key === 'ArrowUp' ? 1 : -1);
      this.row = Math.min(Math.max(next, 0), last);
      this.each((c) => c.show());
      e.preventDefault();
    }

    rows() {
      const { edges, columns } = this.cells, bands = edges.slice(0, -1);
      return [['seconds', ...bands.map((edge, i) => `${format(edge, 'ns')} to ${format(edges[i + 1], 'ns')}`)],
        this.spans.map(([a, b], i) => [`${a} to ${b}`, ...bands.map((_, k) => { const n = this.count(columns[i], k); return n ? grouped(n) : ''; })])];
    }
  }

  // levels are the colours of a heat map: from, to and color of each.
  function levels(columns) {
    const colors = 8;
    let top = 1;
    for (const c of columns) for (let i = 1; i < c.length; i++) if (c[i] > top) top = c[i];
    const from = [];
    for (let i = 0; i < colors; i++) { const n = Math.ceil(top ** (i / colors) - 1e-9); if (n > (from.at(-1) || 0)) from.push(n); }
    return from.map((n, i) => ({ from: n, to: i + 1 < from.length ? from[i + 1] - 1 : top, color: `var(--h${from.length === 1 ? colors - 1 : Math.round((i * (colors - 1)) / (from.length - 1))})` }));
  }
