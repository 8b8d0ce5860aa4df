
  // bars draws a bar for each label: the series one after the other where they are
  // stacked, else the first one, with losses and limits as marks.
  function bars(figure, chart) {
    const hidden = new Set(), tools = html('div', { class: 'tools' });
    const plot = svg('svg', { class: 'plot', role: 'img', 'aria-label': `${chart.title}. The figures are in the table below.`, style: 'cursor: default' });
    const stack = chart.kind === 'stack', series = chart.variants[0].series;
    figure.append(tools, plot);
    if (chart.note) figure.append(html('p', { class: 'note', dir: 'auto' }, chart.note));
    const table = html('details', { class: 'data' }, html('summary', {}, 'Table'), html('div', { class: 'scroll' },
      tabulate(['', ...series.map((s) => s.name)], chart.labels.map((l, i) => [l, ...series.map((s) => format(s.y[i], chart.unit))]))));
    figure.append(table);
    if (stack) {
      tools.append(...series.map((s, i) => html('button', {
        type: 'button', class: 'key', style: `--color: ${color(i)}`, 'aria-pressed': 'true',
        onclick: (e) => { if (!hidden.delete(s.name)) hidden.add(s.name); e.currentTarget.setAttribute('aria-pressed', String(!hidden.has(s.name))); draw(); },
      }, html('bdi', {}, s.name))));
    } else {
      tools.remove();
    }
    function draw() {
      const width = plot.clientWidth || 600, row = 28;
      const left = Math.min(width * 0.4, Math.max(...chart.labels.map((l) => l.length)) * 6.8 + 10), right = 92;
      const height = chart.labels.length * row + 8;
      plot.setAttribute('viewBox', `0 0 ${width} ${height}`);
      plot.style.height = `${height}px`;
      const shown = series.filter((s) => !hidden.has(s.name));
      const total = (i) => shown.reduce((sum, s) => sum + (s.style === 'limit' ? 0 : s.y[i] || 0), 0);
      const top = Math.max(...chart.labels.map((_, i) => Math.max(total(i), ...series.filter((s) => s.style === 'limit').map((s) => s.y[i] || 0))), 1e-9);
      const x = linear(0, top, left, width - right);
      const kids = [];
      chart.labels.forEach((label, i) => {
        const y = i * row + 4;
        let from = 0, mark = null;
        const words = [];
        kids.push(text(left - 6, y + 15, 'end', label, 'strong'));
        series.forEach((s, k) => {
          const v = s.y[i];
          if (v === null || hidden.has(s.name)) return;
          if (s.style === 'limit') {
            mark = x(v);
            kids.push(svg('line', { class: 'limit', x1: mark, x2: mark, y1: y - 1, y2: y + 21 }));
            return;
          }
          const fill = s.style === 'lost' ? 'var(--bad)' : color(stack ? k : 0);
          kids.push(svg('rect', { x: x(from), y, width: Math.max(v > 0 ? 1 : 0, x(from + v) - x(from)), height: 20, style: `fill: ${fill}` },
            svg('title', {}, `${s.name}: ${format(v, chart.unit)}`)));
          from += v;
          if (!stack && (s.style !== 'lost' || v > 0)) words.push(s.style === 'lost' ? `−${format(v, chart.unit)}` : format(v, chart.unit));
        });
        const figure = stack ? format(from, chart.unit) : words.join(' ');
        const covered = mark !== null && mark > x(from) - 4 && mark < x(from) + 8 + figure.length * 6.5;
        kids.push(text((covered ? mark : x(from)) + 6, y + 15, 'start', figure));
      });
      plot.replaceChildren(...kids);
    }
    redraw(figure, draw);
  }

  // intervals draws an estimate with its interval and its limit for each label.
  function intervals(figure, chart) {
    const plot = svg('svg', { class: 'plot', role: 'img', 'aria-label': `${chart.title}. The figures are in the table below.`, style: 'cursor: default' });
    const [estimate, low, high, limit] = chart.variants[0].series.map((s) => s.y);
    figure.append(plot);
    if (chart.note) figure.append(html('p', { class: 'note', dir: 'auto' }, chart.note));
    figure.append(html('details', { class: 'data' }, html('summary', {}, 'Table'), html('div', { class: 'scroll' },
      tabulate(['', ...chart.variants[0].series.map((s) => s.name)], chart.labels.map((l, i) => [l, ...chart.variants[0].series.map((s) => format(s.y[i], chart.unit))])))));
    redraw(figure, () => {
      const width = plot.clientWidth || 600, row = 28, height = chart.labels.length * row + 26;
      const left = Math.min(width * 0.4, Math.max(...chart.labels.map((l) => l.length)) * 6.8 + 10);
      plot.setAttribute('viewBox', `0 0 ${width} ${height}`);
      plot.style.height = `${height}px`;
      const all = [0, ...[estimate, low, high, limit].flat().filter((v) => v !== null)];
      const room = (Math.max(...all) - Math.min(...all) || 0.1) * 0.06;
      const x = linear(Math.min(...all) - room, Math.max(...all) + room, left, width - 12);
      const kids = [];
      for (const v of x.ticks(width / 120)) {
        kids.push(svg('line', { class: 'grid', x1: x(v), x2: x(v), y1: 0, y2: height - 22 }), text(x(v), height - 8, 'middle', `${v > 0 ? '+' : ''}${format(v, chart.unit)}`));
      }
      kids.push(svg('line', { class: 'cross', x1: x(0), x2: x(0), y1: 0, y2: height - 22 }));
      chart.labels.forEach((label, i) => {
        const y = i * row + 14;
        kids.push(text(left - 6, y + 4, 'end', label, 'strong'));
        if (limit[i] !== null) kids.push(svg('line', { class: 'limit', x1: x(limit[i]), x2: x(limit[i]), y1: y - 9, y2: y + 9 }));
        if (low[i] !== null && high[i] !== null) kids.push(svg('line', { x1: x(low[i]), x2: x(high[i]), y1: y, y2: y, style: 'stroke: var(--c0); stroke-width: 3' }));
        if (estimate[i] !== null) kids.push(svg('circle', { cx: x(estimate[i]), cy: y, r: 5, style: 'fill: var(--c0)' }, svg('title', {}, format(estimate[i], chart.unit))));
      });
      plot.replaceChildren(...kids);
    });
  }

  // mount draws the charts in a part of the page. Axes are kept for live.js, which adds
  // to them.
  const drawn = new WeakMap();
  function mount(root) {
    const charts = [];
    for (const figure of root.querySelectorAll('figure.chart')) {
      const chart = JSON.parse(figure.querySelector('script').textContent);
      if (chart.kind === 'heat') charts.push(new HeatMap(figure, chart));
      else if (chart.kind === 'time' || chart.kind === 'percentile' || chart.kind === 'number') {
        const axes = new Axes(figure, chart);
        drawn.set(figure, axes);
        charts.push(axes);
      } else if (chart.kind === 'intervals') intervals(figure, chart);
      else bars(figure, chart);
    }
    // Drawn when all are known: those that share an axis have the same ends.
    for (const c of charts) c.start();
  }
  mount(document);
  window.queuedyno = { mount, drawn, groups };
