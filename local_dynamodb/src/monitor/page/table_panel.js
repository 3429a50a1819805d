// All that is shown of one table: what is going on in words, how it and its indexes stand, and their charts.
// Names come from requests: they are only ever set as text.

import { AutomationSection } from "./automation.js";
import { Chart, format, largest } from "./charts.js";
import { minutesOf, seriesKey } from "./history.js";
import { ItemsView } from "./items.js";

const EXPIRED = "TimeToLiveDeletedItemCount";
const FILLED = "OnlineIndexConsumedWriteCapacity";
const KINDS = [
  { kind: "Write", unit: "WCU", heading: "Writes" },
  { kind: "Read", unit: "RCU", heading: "Reads" },
];

// Why items are throttled: the first is always shown, the others are rare, and are lines only when they have happened.
const CAUSES = [
  { label: "provisioned throughput", colour: "events", cause: "ProvisionedThroughput" },
  { label: "one partition key", colour: "key", cause: "KeyRangeThroughput" },
  { label: "maximum on demand", colour: "backlog", cause: "MaxOnDemandThroughput" },
  { label: "quota of a table", colour: "burst", cause: "AccountLimit" },
];

export class TablePanel {
  #automation = new AutomationSection();
  #items = null;
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
    this.metrics = create("div");
    this.metrics.append(cards, this.#automation.element);
    this.element.append(this.explanation, this.#makeSwitch(table), this.metrics);
    for (const { kind, unit, heading } of KINDS) {
      const section = create("details");
      section.open = kind === "Write" || history.has(table.TableName, `Consumed${kind}CapacityUnits`);
      section.append(create("summary", "", heading));
      section.addEventListener("toggle", () => this.#drawAgain());
      this.#addCapacity(section, table, history, kind, unit);
      this.#addEvents(section, table, history, kind);
      if (kind === "Write") {
        this.#addWaiting(section, table, history);
      }
      this.#addBurst(section, table, kind, unit);
      this.metrics.append(section);
    }
  }

  // What is shown of the table: how it is doing, or what is in it.
  #makeSwitch(table) {
    const element = create("div", "views");
    element.setAttribute("role", "group");
    element.setAttribute("aria-label", "View");
    const buttons = ["Metrics", "Items"].map((name) => {
      const button = create("button", "", name);
      button.type = "button";
      button.addEventListener("click", () => {
        buttons.forEach((each) => each.setAttribute("aria-pressed", String(each === button)));
        this.metrics.hidden = name !== "Metrics";
        if (name === "Items" && !this.#items) {
          this.#items = new ItemsView(table.TableName);
          this.element.append(this.#items.element);
        }
        if (this.#items) {
          this.#items.element.hidden = name !== "Items";
        }
        this.#drawAgain();
      });
      button.setAttribute("aria-pressed", String(name === "Metrics"));
      return button;
    });
    element.append(...buttons);
    element.hidden = table.Status === "deleted";
    return element;
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
    this.#automation.update(table);
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

  #addCapacity(section, table, history, kind, unit) {
    this.#addRow(section, table.Resources.map((resource) => ({
      title: `${unit} per second`,
      resource: nameOf(resource),
      unit,
      lines: [
        { label: "consumed", colour: "consumed", summary: "most", area: true, perSecond: true, key: key(resource, `Consumed${kind}CapacityUnits`) },
        { label: "provisioned", colour: "provisioned", summary: "last", dashed: true, stepped: true, state: true, key: key(resource, `Provisioned${kind}CapacityUnits`) },
        ...fillLine(table, resource, history, kind),
        ...targetLine(resource, kind),
      ],
    })));
  }

  #addEvents(section, table, history, kind) {
    const causes = CAUSES.filter(({ cause }, n) => n === 0 || throttledBy(table, history, kind, cause));
    const row = table.Resources.map((resource) => ({
      title: `${kind} throttle events per minute`,
      resource: nameOf(resource),
      unit: "events",
      lines: causes.map(({ label, colour, cause }) =>
        ({ label, colour, summary: "total", area: true, key: key(resource, `${kind}${cause}ThrottleEvents`) })),
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
    const expired = {
      title: "Items deleted by time to live per minute",
      resource: nameOf(table.Resources[0]),
      unit: "items",
      lines: [{ label: "deleted", colour: "consumed", summary: "total", area: true, key: seriesKey(null, EXPIRED) }],
    };
    this.#addRow(section, [requests, ...backlogs, ...(history.has(table.TableName, EXPIRED) ? [expired] : [])]);
  }

  // On demand there is no burst to save up.
  #addBurst(section, table, kind, unit) {
    const saving = table.Resources.filter((resource) => resource[kind]?.BurstLimit !== null);
    this.#addRow(section, saving.map((resource) => ({
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
      const limit = capacity.Provisioned ?? capacity.Maximum ?? capacity.Warm;
      const onDemand = capacity.Provisioned === null ? ", on demand" : "";
      this.#set(`${unit} per second`, rate, limit, `${format(rate)} of ${format(limit)}${onDemand}`, "low");
      this.#note(`${kind} auto scaling`, scalingText(capacity.AutoScaling, unit));
      if (capacity.BurstLimit !== null) {
        const text = `${format(capacity.BurstBalance)} of ${format(capacity.BurstLimit)}`;
        this.#set(`${kind} burst`, capacity.BurstBalance, capacity.BurstLimit, text, "high");
      }
    }
    if (resource.Backlog) {
      const { Writes, Limit } = resource.Backlog;
      this.#set("Backlog", Writes, Limit, `${format(Writes)} of ${format(Limit)}`, "low");
    }
    this.#note("Creation", creationText(resource.Creation));
  }

  // A row without a meter; none if there is nothing to say.
  #note(name, text) {
    let row = this.#rows.get(name);
    if (!row && text !== "") {
      const [term, detail] = [create("dt", "", name), create("dd", "wide")];
      this.#list.append(term, detail);
      row = { term, detail };
      this.#rows.set(name, row);
    }
    if (row) {
      row.term.hidden = row.detail.hidden = text === "";
      setText(row.detail, text);
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
  const resources = table.Resources.map((resource) => [
    resource.IndexName, resource.Backlog?.Limit, isFilled(table, resource, history),
  ]);
  const scaled = KINDS.map(({ kind }) => table.Resources.map((resource) => [
    resource[kind]?.AutoScaling?.TargetValue, resource[kind]?.BurstLimit === null,
  ]));
  const causes = KINDS.map(({ kind }) => CAUSES.map(({ cause }) => throttledBy(table, history, kind, cause)));
  const operations = history.operations(table.TableName, "ThrottledRequests");
  return JSON.stringify([
    table.TableName, table.Status === "deleted", resources, scaled, causes, operations, history.has(table.TableName, EXPIRED),
  ]);
}

function throttledBy(table, history, kind, cause) {
  return history.has(table.TableName, `${kind}${cause}ThrottleEvents`);
}

function isFilled(table, resource, history) {
  return history.has(table.TableName, FILLED, resource.IndexName);
}

// What the fill of a new index consumes.
function fillLine(table, resource, history, kind) {
  return kind === "Write" && isFilled(table, resource, history) ? [{
    label: "backfilling", colour: "backlog", summary: "most", perSecond: true, key: key(resource, FILLED),
  }] : [];
}

// How far the creation of a new index is.
function creationText(creation) {
  if (!creation?.Backfilling) {
    return creation ? "CREATING: resources are allocated" : "";
  }
  return `CREATING: backfilling, ${format(creation.Progress)} %${creation.Throttled ? ", waits for write capacity" : ""}`;
}

// What auto scaling aims at, as a line below the provisioned capacity.
function targetLine(resource, kind) {
  const target = resource[kind]?.AutoScaling?.TargetValue;
  return target == null ? [] : [{
    label: `target, ${format(target)} %`, colour: "burst", summary: "last", dashed: true, stepped: true, state: true,
    factor: target / 100, key: key(resource, `Provisioned${kind}CapacityUnits`),
  }];
}

function scalingText(scaling, unit) {
  if (!scaling) {
    return "";
  }
  const target = scaling.TargetValue === null ? "no policy" : `target ${format(scaling.TargetValue)} %`;
  return `${target}, ${format(scaling.Min)} to ${format(scaling.Max)} ${unit}${scaling.Suspended ? ", suspended" : ""}`;
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
