'use strict';
// The live page: the server sends the documents as a whole first, then what has been
// added to one of them, and the reports at the end.
(() => {
  const { mount, drawn, groups } = window.queuedyno;
  const bar = document.createElement('p'), words = document.createElement('span');
  bar.className = 'live';
  words.setAttribute('role', 'status');
  bar.append(words);
  document.body.append(bar);
  function say(state, text) {
    bar.dataset.state = state;
    if (words.textContent !== text) words.textContent = text;
  }

  const parse = (html) => new DOMParser().parseFromString(html, 'text/html');
  const chartOf = (figure) => JSON.parse(figure.querySelector('script').textContent);
  const isChart = (e) => e.matches('figure.chart');
  const name = (figure) => `${figure.dataset.document} ${figure.dataset.chart}`;
  const focusable = 'a, button, select, summary, [tabindex]';

  // label notes the chart's id on each figure, by which it is found again.
  function label(root) {
    for (const figure of root.querySelectorAll('figure.chart')) figure.dataset.chart = chartOf(figure).id;
  }

  // A choice is what a viewer has chosen in a figure: the variant, the series that are
  // hidden, the table that is open, and where the focus is.
  function choiceOf(figure) {
    const axes = drawn.get(figure), all = [...figure.querySelectorAll(focusable)];
    return {
      variant: axes ? axes.chart.variants[axes.variant].name : null,
      hidden: [...figure.querySelectorAll('.key[aria-pressed=false]')].map((e) => e.firstChild.textContent),
      open: figure.querySelector('details.data')?.open, focus: all.indexOf(document.activeElement),
    };
  }
  function choose(figure, choice) {
    const axes = drawn.get(figure);
    if (axes) {
      axes.variant = Math.max(0, axes.chart.variants.findIndex((v) => v.name === choice.variant));
      for (const s of choice.hidden) axes.hidden.add(s);
      axes.legend();
      axes.draw();
    } else {
      for (const key of figure.querySelectorAll('.key')) if (choice.hidden.includes(key.firstChild.textContent)) key.click();
    }
    const table = figure.querySelector('details.data');
    if (table) table.open = Boolean(choice.open);
    if (choice.focus >= 0) figure.querySelectorAll(focusable)[choice.focus]?.focus({ preventScroll: true });
  }

  // whole replaces all documents.
  function whole(html) {
    const page = parse(html), choices = new Map(), zooms = new Map(), y = window.scrollY;
    const before = document.querySelectorAll('article[id^="report"]').length;
    for (const figure of document.querySelectorAll('figure.chart')) choices.set(name(figure), choiceOf(figure));
    for (const [key, group] of groups) zooms.set(key, group);
    for (const e of [...document.body.children]) if (e !== bar && !e.matches('script, noscript')) e.remove();
    groups.clear();
    bar.before(...[...page.body.children].filter((e) => !e.matches('script, noscript')));
    document.title = page.title;
    label(document);
    mount(document);
    for (const [key, group] of groups) {
      const old = zooms.get(key);
      if (old) { group.from = old.from; group.to = old.to; group.at = old.at; }
    }
    for (const figure of document.querySelectorAll('figure.chart')) if (choices.has(name(figure))) choose(figure, choices.get(name(figure)));
    const articles = document.querySelectorAll('article[id^="report"]');
    if (before > 0 && articles.length > before) articles[articles.length - 1].scrollIntoView();
    else window.scrollTo(0, y);
  }

  // more adds to one document.
  function more(html, at) {
    const next = parse(html).getElementById(`report${at}`), now = document.getElementById(`report${at}`);
    label(next);
    patch(now, next);
  }

  // key is by which an element is found again among its siblings.
  const key = (e) => `${e.tagName} ${e.id} ${e.className} ${e.dataset.chart || ''} ${e.getAttribute('href') || ''}`;

  // patch brings the children of an element up to date and leaves alone what has not
  // changed. What holds rows stays where nothing was added.
  function patch(now, next) {
    const left = [...now.children];
    let place = now.firstElementChild;
    for (const fresh of [...next.children]) {
      const at = left.findIndex((e) => key(e) === key(fresh));
      if (at < 0) {
        now.insertBefore(fresh, place);
        mount(isChart(fresh) ? wrap(fresh) : fresh);
        continue;
      }
      const [old] = left.splice(at, 1);
      place = old.nextElementSibling;
      if (isChart(old)) chart(old, fresh);
      else if (old.matches('header, section, nav')) patch(old, fresh);
      else if (old.isEqualNode(fresh)) continue;
      else if (old.matches('div')) old.replaceChildren(...fresh.childNodes);
      else {
        if (old.matches('details')) fresh.open = old.open;
        old.replaceWith(fresh);
      }
    }
    for (const old of left) if (!old.matches('section, figure, nav a')) old.remove();
  }
  // wrap is a figure as something that mount finds it in.
  const wrap = (figure) => ({ querySelectorAll: () => [figure] });

  // chart adds to a chart over time, and draws any other again if it has changed.
  function chart(old, fresh) {
    const axes = drawn.get(old), next = chartOf(fresh);
    if (axes && next.kind === 'time') { extend(axes, next); return; }
    if (old.querySelector('script').textContent === fresh.querySelector('script').textContent) return;
    const choice = choiceOf(old);
    if (axes) axes.group.charts.splice(axes.group.charts.indexOf(axes), 1);
    old.replaceWith(fresh);
    mount(wrap(fresh));
    choose(fresh, choice);
  }

  // extend adds rows to a chart over time. A series that is new has no values before,
  // and one without new values has none from here on.
  function extend(axes, next) {
    const chart = axes.chart, had = (chart.x || []).length, all = had + (next.x || []).length;
    let legend = false;
    chart.x = (chart.x || []).concat(next.x || []);
    chart.marks = next.marks;
    for (const v of next.variants || []) {
      let into = chart.variants.find((o) => o.name === v.name);
      if (!into) { into = { name: v.name, series: [] }; chart.variants.push(into); legend = true; }
      for (const s of v.series) {
        let line = into.series.find((o) => o.name === s.name);
        if (!line) { line = { name: s.name, style: s.style, y: new Array(had).fill(null) }; into.series.push(line); legend = true; }
        line.y.push(...s.y);
      }
    }
    for (const v of chart.variants) for (const s of v.series) while (s.y.length < all) s.y.push(null);
    if (legend) axes.legend();
    later(axes);
  }

  // later draws at the next moment at which the page is shown.
  const waiting = new Set();
  function later(axes) {
    if (waiting.size === 0) {
      requestAnimationFrame(() => {
        const all = [...waiting];
        waiting.clear();
        for (const one of all) { one.draw(); if (one.table.open) one.fill(); }
      });
    }
    waiting.add(axes);
  }

  say('on', 'live: waiting for the first second of the load');
  const source = new EventSource('events');
  source.onerror = () => say('off', 'The connection to queuedyno is lost; this page tries again. What it shows stays.');
  source.addEventListener('whole', (e) => { whole(JSON.parse(e.data).html); say('on', 'live'); });
  source.addEventListener('more', (e) => { const d = JSON.parse(e.data); more(d.html, d.document); });
  source.addEventListener('end', (e) => {
    source.close();
    whole(JSON.parse(e.data).html);
    say('end', 'queuedyno has ended. This page is complete and needs no server.');
  });
})();
