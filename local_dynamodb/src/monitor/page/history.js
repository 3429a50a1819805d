// What the server has told, minute by minute, and the columns of numbers that a chart wants of it.

const MINUTE = 60;

export class History {
  // Tables by name: { points: Map(series key -> Map(minute -> value)), first, last }, first and last being the minutes in
  // which something was consumed or refused.
  #tables = new Map();
  #now = 0;
  #complete = 0;

  // From which minute on the server has to be asked: everything, or what may have changed since the last answer.
  get since() {
    return this.#complete;
  }

  merge(answer) {
    if (answer.Clock.Seconds < this.#now) {
      this.#tables.clear(); // another server, whose clock has just started
    }
    this.#now = answer.Clock.Seconds;
    this.#complete = Math.max(0, Math.floor(this.#now / MINUTE) - 1);
    for (const table of answer.Tables) {
      const own = this.#table(table.TableName);
      for (const series of table.Series) {
        const points = pointsOf(own, seriesKey(series.IndexName, series.MetricName, series.Operation));
        for (const [minute, value] of series.Points) {
          points.set(minute, value);
          if (!series.State) {
            own.first = Math.min(own.first, minute);
            own.last = Math.max(own.last, minute);
          }
        }
      }
      for (const [key, value] of table.Resources.flatMap(statesOf)) {
        pointsOf(own, key).set(Math.floor(this.#now / MINUTE), value);
      }
      own.points.forEach((points) => forget(points, this.#now / MINUTE - answer.Clock.HistoryMinutes));
    }
  }

  // The first and the last minute to show: so many minutes until now, or ("activity") from the first to the last minute in
  // which something happened, with some space around.
  span(tableName, range) {
    const now = Math.floor(this.#now / MINUTE);
    if (range !== "activity") {
      return [now - Number(range), now];
    }
    const { first, last } = this.#table(tableName);
    if (last < first) {
      return [now - 15, now];
    }
    const end = Math.min(now, last + 5);
    return [Math.min(first - 1, end - 15), end];
  }

  // Values of a series for each minute of the span. Minutes in which nothing happened are 0; states that are not known are
  // gaps. A minute that is not over is left out: it has not seen everything yet.
  column(tableName, key, [first, last], { state = false, perSecond = false, factor = 1 } = {}) {
    const points = this.#table(tableName).points.get(key);
    const current = Math.floor(this.#now / MINUTE);
    const values = [];
    for (let minute = first; minute <= last; minute += 1) {
      let value = points?.get(minute) ?? (state ? null : 0);
      if (perSecond && value !== null) {
        const elapsed = minute === current ? this.#now - current * MINUTE : MINUTE;
        value = elapsed < 10 ? null : value / elapsed;
      }
      values.push(minute > current || value === null ? null : value * factor);
    }
    return values;
  }

  // Whether the table or one of its indexes has a series of this name; with a third argument, whether that index has.
  has(tableName, metricName, indexName) {
    if (indexName !== undefined) {
      return this.#table(tableName).points.has(seriesKey(indexName, metricName));
    }
    const names = [...this.#table(tableName).points.keys()];
    return names.some((key) => key.endsWith(`,${JSON.stringify(metricName)}]`));
  }

  // The operations that have a series of this name.
  operations(tableName, metricName) {
    const prefix = seriesKey(null, metricName, "");
    const keys = [...this.#table(tableName).points.keys()].filter((key) => key.startsWith(prefix) && key !== prefix);
    return keys.map((key) => key.slice(prefix.length)).sort();
  }

  #table(name) {
    if (!this.#tables.has(name)) {
      this.#tables.set(name, { points: new Map(), first: Infinity, last: -Infinity });
    }
    return this.#tables.get(name);
  }
}

export function seriesKey(indexName, metricName, operation) {
  return JSON.stringify([indexName ?? null, metricName]) + (operation ?? "");
}

export function minutesOf([first, last]) {
  return Array.from({ length: last - first + 1 }, (_, n) => (first + n) * MINUTE);
}

function pointsOf(table, key) {
  if (!table.points.has(key)) {
    table.points.set(key, new Map());
  }
  return table.points.get(key);
}

// How a table or an index stands now: the server counts it at the end of the minute, the charts show it before.
function statesOf({ IndexName, Write, Read, Backlog }) {
  const states = [["IndexBacklog", Backlog?.Writes]];
  for (const [kind, capacity] of Object.entries({ Write, Read })) {
    states.push([`Provisioned${kind}CapacityUnits`, capacity?.Provisioned], [`${kind}BurstBalance`, capacity?.BurstBalance]);
  }
  return states.filter(([, value]) => value != null).map(([name, value]) => [seriesKey(IndexName, name), value]);
}

function forget(points, before) {
  for (const minute of points.keys()) {
    if (minute >= before) {
      break; // in the order in which they came
    }
    points.delete(minute);
  }
}
