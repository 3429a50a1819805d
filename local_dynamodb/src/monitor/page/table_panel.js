// All that is shown of one table: what is going on in words, how it and its indexes stand, and their charts.
// Names come from requests: they are only ever set as text.

import { Chart, format, largest } from "./charts.js";
import { minutesOf, seriesKey } from "./history.js";

const KINDS = [
  { kind: "Write", unit: "WCU", heading: "Writes" },
  { kind: "Read", unit: "RCU", heading: "Reads" },
];

export class TablePanel {
  #charts = [];
  #shape;
  #cards = [];
  #drawAgain = () => {};

  constructor(table, history) {
    this.#shape = shapeOf(table, history);
    this.element = document.createElement("div");
    this.explanation = create("div", "explanation");
    this.heading = create("h2");
    this.now = create("p");
    this.past = create("p", "past");
    this.explanation.append(this.heading, this.now, this.past);
    const cards = create("div", "row");
    for (const resource of table.Resources) {
      const card = new ResourceCard(resource);
      this.#cards.push(card);
      cards.append(card.element);
    }
    this.element.append(this.explanation, cards);
    for (const { kind, unit, heading } of KINDS) {
      const section = create("details");
      section.open = kind === "Write" || history.has(table.TableName, `Consumed${kind}CapacityUnits`);
      section.append(create("summary", "", heading));
      section.addEventListener("toggle", () => this.#drawAgain());
      this.#addCapacity(section, table, kind, unit);
      this.#addEvents(section, table, history, kind);
      if (kind === "Write") {
        this.#addWaiting(section, table, history);
      }
      this.#addBurst(section, table, kind, unit);
      this.element.append(section);
    }
  }

  // Whether this panel has the charts that the table needs.
  fits(table, history) {
    return this.#shape === shapeOf(table, history);
  }

  update(table, history, range, rates) {
    this.#drawAgain = () => this.#draw(table, history, range);
    this.explanation.className = `explanation ${table.Status}`;
    setText(this.heading, table.Headline);
    setText(this.now, table.Explanation);
    setText(this.past, table.Past);
    this.past.hidden = table.Past === "";
    table.Resources.forEach((resource, n) => this.#cards[n].update(resource, rates));
    this.#drawAgain();
  }

  #draw(table, history, range) {
    const span = history.span(table.TableName, range);
    const times = minutesOf(span);
    const column = (series) => history.column(table.TableName, series.key, span, series);
    for (const row of this.#charts) {
      const columns = row.map(({ series }) => series.map(column));
      const ceiling = row.shared ? largest(columns.flat()) : undefined;
      row.forEach(({ chart }, n) => chart.draw([times, ...columns[n]], ceiling));
    }
  }

  restyle() {
    this.#charts.flat().forEach(({ chart }) => chart.restyle());
  }

  remove() {
    this.#charts.flat().forEach(({ chart }) => chart.remove());
    this.element.remove();
  }

  #addCapacity(section, table, kind, unit) {
    this.#addRow(section, table.Resources.map((resource) => ({
      title: `${unit} per second`,
      resource: nameOf(resource),
      unit,
      lines: [
        { label: "consumed", colour: "consumed", summary: "most", area: true, perSecond: true, key: key(resource, `Consumed${kind}CapacityUnits`) },
        { label: "provisioned", colour: "provisioned", summary: "last", dashed: true, stepped: true, state: true, key: key(resource, `Provisioned${kind}CapacityUnits`) },
      ],
    })));
  }

  #addEvents(section, table, history, kind) {
    const line = (resource, label, colour, cause) =>
      ({ label, colour, summary: "total", area: true, key: key(resource, `${kind}${cause}ThrottleEvents`) });
    const row = table.Resources.map((resource) => ({
      title: `${kind} throttle events per minute`,
      resource: nameOf(resource),
      unit: "events",
      lines: [
        line(resource, "provisioned throughput", "events", "ProvisionedThroughput"),
        ...(hotKeys(table, history, kind) ? [line(resource, "one partition key", "key", "KeyRangeThroughput")] : []),
      ],
    }));
    this.#addRow(section, row, true);
  }

  // The requests that the table refused, and what waits for its indexes.
  #addWaiting(section, table, history) {
    const colours = ["events", "key", "consumed", "burst", "backlog"];
    const operations = history.operations(table.TableName, "ThrottledRequests");
    const requests = {
      title: "Throttled requests per minute",
      resource: nameOf(table.Resources[0]),
      unit: "requests",
      lines: (operations.length > 0 ? operations : [""]).map((operation, n) => ({
        label: operation || "requests",
        colour: colours[n % colours.length],
        summary: "total",
        area: true,
        key: seriesKey(null, "ThrottledRequests", operation),
      })),
    };
    const backlogs = table.Resources.slice(1).map((resource) => ({
      title: "Backlog: writes that wait for the index",
      resource: nameOf(resource),
      unit: "writes",
      lines: [{ label: `waiting, of ${format(resource.Backlog?.Limit)}`, colour: "backlog", summary: "last", area: true, state: true, key: key(resource, "IndexBacklog") }],
    }));
    this.#addRow(section, [requests, ...backlogs]);
  }

  #addBurst(section, table, kind, unit) {
    this.#addRow(section, table.Resources.map((resource) => ({
      title: `${kind} burst balance`,
      resource: nameOf(resource),
      unit,
      lines: [{ label: `${unit} saved up`, colour: "burst", summary: "last", area: true, state: true, key: key(resource, `${kind}BurstBalance`) }],
    })));
  }

  #addRow(section, specifications, shared = false) {
    const element = create("div", "row");
    const row = specifications.map((specification) => {
      const chart = new Chart(specification);
      element.append(chart.element);
      return { chart, series: specification.lines };
    });
    row.shared = shared;
    this.#charts.push(row);
    section.append(element);
  }
}

// How a table or an index stands at the moment.
class ResourceCard {
  #list = create("dl");
  #rows = new Map();

  constructor(resource) {
    this.element = create("div", "card resource");
    const heading = create("h3", "", resource.IndexName ?? resource.TableName);
    heading.append(" ", create("small", "", resource.IndexName === null ? "table" : "index"));
    this.element.append(heading, this.#list);
  }

  update(resource, rates) {
    for (const { kind, unit } of KINDS) {
      const capacity = resource[kind];
      if (!capacity) {
        continue; // the table is gone
      }
      const rate = rates.get(resource, kind);
      const provisioned = capacity.Provisioned === null ? "on demand" : `of ${format(capacity.Provisioned)}`;
      this.#set(`${unit} per second`, rate, capacity.Provisioned, `${format(rate)} ${provisioned}`, "low");
      if (capacity.BurstLimit !== null) {
        const text = `${format(capacity.BurstBalance)} of ${format(capacity.BurstLimit)}`;
        this.#set(`${kind} burst`, capacity.BurstBalance, capacity.BurstLimit, text, "high");
      }
    }
    if (resource.Backlog) {
      const { Writes, Limit } = resource.Backlog;
      this.#set("Backlog", Writes, Limit, `${format(Writes)} of ${format(Limit)}`, "low");
    }
  }

  #set(name, value, limit, text, good) {
    let row = this.#rows.get(name);
    if (!row) {
      const [term, bar, detail] = [create("dt", "", name), create("dd"), create("dd")];
      const meter = create("meter");
      meter.setAttribute("aria-label", name);
      bar.append(meter);
      this.#list.append(term, bar, detail);
      row = { meter, detail };
      this.#rows.set(name, row);
    }
    row.meter.hidden = !(limit > 0);
    Object.assign(row.meter, good === "low"
      ? { max: limit || 1, low: limit * 0.8, high: limit * 0.99, optimum: 0 }
      : { max: limit || 1, low: limit * 0.1, high: limit * 0.3, optimum: limit });
    row.meter.value = Math.max(0, value ?? 0);
    setText(row.detail, text);
  }
}

// Which charts a table has: panels are made anew when it changes.
function shapeOf(table, history) {
  const resources = table.Resources.map((resource) => [resource.IndexName, resource.Backlog?.Limit]);
  const hot = KINDS.map(({ kind }) => hotKeys(table, history, kind));
  return JSON.stringify([table.TableName, resources, hot, history.operations(table.TableName, "ThrottledRequests")]);
}

// Whether the cap on a single partition key has refused anything: a rare cause, and a line only then.
function hotKeys(table, history, kind) {
  return history.has(table.TableName, `${kind}KeyRangeThroughputThrottleEvents`);
}

function nameOf(resource) {
  return resource.IndexName === null ? `table ${resource.TableName}` : `index ${resource.IndexName}`;
}

function key(resource, metricName) {
  return seriesKey(resource.IndexName, metricName);
}

function create(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// Only when it changes: what is read aloud or selected stays as it is.
function setText(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}
