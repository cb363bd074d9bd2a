/*
 * Makes the table of trials sort by a click on a column's head and show only what the reader asks for. Without it the
 * table is complete, in the order the trials ran.
 */
(() => {
  for (const table of document.querySelectorAll('table[data-trials]')) {
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const texts = rows.map((row) => row.textContent.toLowerCase());

    const holder = document.createElement('div');
    holder.className = 'filters';
    const count = document.createElement('output');
    count.setAttribute('aria-live', 'polite');

    const labelled = (text, control) => {
      const label = document.createElement('label');
      label.append(`${text} `, control);
      holder.append(label);
      control.addEventListener('input', filter);
      return control;
    };
    const search = document.createElement('input');
    search.type = 'search';
    search.placeholder = 'variant, knob or reason';
    labelled('Show', search);
    const choose = (text, attribute) => {
      const values = [...new Set(rows.map((row) => row.dataset[attribute]))];
      if (values.length < 2) return undefined;
      const select = document.createElement('select');
      select.append(new Option('all', ''), ...values.map((value) => new Option(value, value)));
      return labelled(text, select);
    };
    const state = choose('State', 'state');
    const phase = choose('Phase', 'phase');
    holder.append(count);
    table.closest('.scroll').before(holder);

    function filter() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, index) => {
        const fits = (select, attribute) => !select?.value || row.dataset[attribute] === select.value;
        row.hidden = !(
          fits(state, 'state') &&
          fits(phase, 'phase') &&
          words.every((word) => texts[index].includes(word))
        );
        if (!row.hidden) shown++;
      });
      count.textContent = `${shown} of ${rows.length} trials`;
    }

    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      const isNumber = head.classList.contains('number');
      const readCell = (row) => {
        const cell = row.cells[column];
        if (isNumber) return cell.dataset.sort === undefined ? undefined : Number(cell.dataset.sort);
        return cell.textContent === '–' ? undefined : cell.textContent;
      };
      const button = document.createElement('button');
      button.type = 'button';
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener('click', () => {
        const isRising = head.getAttribute('aria-sort') !== 'ascending';
        for (const other of heads) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', isRising ? 'ascending' : 'descending');
        const sign = isRising ? 1 : -1;
        const compare = (a, b) => {
          const [left, right] = [readCell(a), readCell(b)];
          if (left === undefined || right === undefined)
            return Number(left === undefined) - Number(right === undefined);
          return sign * (isNumber ? left - right : left.localeCompare(right, 'en', { numeric: true }));
        };
        body.append(...[...rows].sort(compare));
      });
    });
    filter();
  }
})();
