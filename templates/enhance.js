/*
 * Makes the page's drawings live: each is redrawn by vega at the width it has here, and shows its numbers where the
 * pointer is. If anything fails the drawing that came with the page stays.
 */
(() => {
  const tip = document.createElement('div');
  tip.className = 'tip';
  tip.hidden = true;
  tip.setAttribute('role', 'tooltip');
  document.body.append(tip);

  function showTip(_handler, event, _item, value) {
    if (value === null || value === undefined || value === '') {
      tip.hidden = true;
      return;
    }
    tip.textContent = String(value);
    tip.hidden = false;
    const gap = 14;
    const { width, height } = tip.getBoundingClientRect();
    const isTooFarRight = event.clientX + gap + width > document.documentElement.clientWidth;
    const left = isTooFarRight ? event.clientX - gap - width : event.clientX + gap;
    const top = Math.min(event.clientY + gap, document.documentElement.clientHeight - height - 4);
    tip.style.left = `${Math.max(4, left)}px`;
    tip.style.top = `${Math.max(4, top)}px`;
  }

  // A page on disk has no business elsewhere; its specifications hold all they need.
  const refuse = () => Promise.reject(new Error('reports load nothing'));
  const loader = { load: refuse, sanitize: refuse, http: refuse, file: refuse };

  function offerChoices(holder, view) {
    const bar = document.createElement('div');
    bar.className = 'filters';
    for (const { parameter, label, value, options } of JSON.parse(holder.dataset.choices)) {
      const select = document.createElement('select');
      select.append(...options.map((option) => new Option(option.label, option.value)));
      select.value = String(value);
      select.addEventListener('input', () => {
        view
          .signal(parameter, Number(select.value))
          .runAsync()
          .catch((cause) => console.error(cause));
      });
      const words = document.createElement('label');
      words.append(`${label} `, select);
      bar.append(words);
    }
    holder.before(bar);
  }

  async function enliven(holder) {
    const specification = JSON.parse(document.getElementById(holder.dataset.chart).textContent);
    const drawing = document.createElement('div');
    const view = new vega.View(vega.parse(specification), { renderer: 'svg', loader, tooltip: showTip });
    const widthHere = () => Math.max(120, Math.floor(holder.clientWidth));
    view.width(widthHere());
    view.initialize(drawing);
    await view.runAsync();
    holder.replaceChildren(drawing);
    if (holder.dataset.choices !== undefined) offerChoices(holder, view);
    holder.dataset.live = 'true';
    new ResizeObserver(() => {
      if (Math.abs(view.width() - widthHere()) < 1) return;
      view
        .width(widthHere())
        .runAsync()
        .catch((cause) => console.error(cause));
    }).observe(holder);
  }

  for (const holder of document.querySelectorAll('[data-chart]')) {
    enliven(holder).catch((cause) => console.error(cause));
  }
})();
