// A chart of minutes, in the colours of the page.

/* global uPlot */

const HEIGHT = 180;

const number = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 2 });

export const format = (value) => (value == null ? "–" : number.format(value));

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

// What is said of a line while no minute is pointed at.
const SUMMARIES = {
  most: (values) => `at most ${format(largest([values]))}`,
  total: (values) => `${format(values.reduce((sum, value) => sum + (value ?? 0), 0))} in all`,
  last: (values) => `${format(values.findLast((value) => value != null))} at last`,
};

// lines: [{ label, colour, summary, dashed, stepped, area }]; a figure with a chart that `draw` fills.
export class Chart {
  #plot = null;
  #holder;
  #lines;
  #unit;
  #observer;

  constructor({ title, resource, unit, lines }) {
    this.#lines = lines;
    this.#unit = unit;
    this.element = document.createElement("figure");
    this.element.className = "card";
    const caption = document.createElement("figcaption");
    caption.append(span(title), span(resource));
    this.#holder = document.createElement("div");
    this.#holder.className = "chart";
    this.#holder.tabIndex = 0;
    this.#holder.setAttribute("role", "img");
    this.#holder.addEventListener("keydown", (event) => this.#moveCursor(event));
    this.element.append(caption, this.#holder);
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this.#holder);
    this.title = `${title}, ${resource}`;
  }

  // columns: times in seconds, then values for each line. All charts of a row may have one ceiling, to be compared.
  draw(columns, ceiling) {
    this.ceiling = ceiling;
    if (this.#plot) {
      this.#plot.setData(columns);
    } else if (this.#holder.clientWidth > 0) {
      this.#plot = new uPlot(this.#options(), columns, this.#holder);
    }
    const summaries = this.#lines.map((line, n) => `${line.label}: ${SUMMARIES[line.summary](columns[n + 1])}`);
    this.#holder.setAttribute("aria-label", `${this.title}. ${summaries.join(", ")} (${this.#unit}). The left and right arrow keys move through the minutes.`);
  }

  // The colours have changed.
  restyle() {
    const data = this.#plot?.data;
    this.#plot?.destroy();
    this.#plot = null;
    if (data) {
      this.draw(data, this.ceiling);
    }
  }

  remove() {
    this.#observer.disconnect();
    this.#plot?.destroy();
    this.element.remove();
  }

  #resize() {
    if (this.#plot && this.#holder.clientWidth > 0) {
      this.#plot.setSize({ width: this.#holder.clientWidth, height: HEIGHT });
    }
  }

  #moveCursor(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !this.#plot) {
      return;
    }
    event.preventDefault();
    const times = this.#plot.data[0];
    const from = this.#plot.cursor.idx ?? (step > 0 ? -1 : times.length);
    const at = Math.max(0, Math.min(times.length - 1, from + step));
    this.#plot.setCursor({ left: this.#plot.valToPos(times[at], "x"), top: 10 });
  }

  #options() {
    const grid = { stroke: colour("grid"), width: 1 };
    const axis = { stroke: colour("quiet"), grid, ticks: grid, font: "12px system-ui, sans-serif" };
    const series = this.#lines.map((line) => ({
      label: line.label,
      stroke: colour(line.colour),
      width: 2,
      dash: line.dashed ? [6, 4] : undefined,
      paths: line.stepped ? uPlot.paths.stepped({ align: -1 }) : undefined,
      fill: line.area ? `${colour(line.colour)}26` : undefined,
      points: { size: 5, filter: (plot, at) => isolated(plot.data[at]) },
      value: (plot, value, at, minute) => (minute == null ? SUMMARIES[line.summary](plot.data[at]) : format(value)),
    }));
    return {
      width: this.#holder.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      cursor: { sync: { key: "minutes", setSeries: false }, drag: { x: false, y: false } },
      scales: {
        x: { time: true },
        y: { range: (_, lowest, highest) => [Math.min(0, lowest ?? 0), Math.max(this.ceiling ?? 0, highest ?? 0, 1) * 1.08] },
      },
      axes: [
        { ...axis, size: 30, values: (_, times) => times.map(clockTime) },
        { ...axis, size: 52, values: (_, values) => values.map((value) => compact.format(value)) },
      ],
      series: [{ label: "Minute", value: (_, seconds) => (seconds == null ? "all" : clockTime(seconds)) }, ...series],
      legend: { live: true },
    };
  }
}

// Values without neighbours, which no line shows.
function isolated(values) {
  const alone = (value, n) => value != null && values[n - 1] == null && values[n + 1] == null;
  return values.flatMap((value, n) => (alone(value, n) ? [n] : []));
}

export function largest(columns) {
  return columns.reduce((all, column) => column.reduce((most, value) => Math.max(most, value ?? 0), all), 0);
}

function clockTime(seconds) {
  return new Date(seconds * 1000).toISOString().slice(11, 16);
}

function span(text) {
  const element = document.createElement("span");
  element.textContent = text;
  return element;
}
