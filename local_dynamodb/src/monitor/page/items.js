// The items of a table, to look at: page by page, or by key. Reading them costs no capacity. Values are only ever set as text.

import { create, table } from "./automation.js";

// More attributes than this are shown in one column.
const MAX_COLUMNS = 12;

export class ItemsView {
  #table;
  #keys = [];
  #next = null;
  #inputs = [];

  constructor(tableName) {
    this.#table = tableName;
    this.element = create("div", "card items");
    this.form = create("form");
    this.status = create("p");
    this.status.setAttribute("role", "status");
    this.result = create("div", "wide-table");
    this.result.tabIndex = 0;
    this.result.setAttribute("role", "region");
    this.result.setAttribute("aria-label", "Items");
    this.element.append(this.form, this.status, this.result);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#lookUp();
    });
    this.#show({});
  }

  async #show(parameters) {
    this.status.textContent = "Reading …";
    try {
      const query = new URLSearchParams({ table: this.#table, ...parameters });
      const response = await fetch(`/monitor/items.json?${query}`, { cache: "no-store" });
      const answer = await response.json();
      if (answer.Error) {
        throw new Error(answer.Error);
      }
      this.#take(answer, parameters);
    } catch (error) {
      this.status.textContent = `The items cannot be read: ${error.message}`;
      this.result.replaceChildren();
    }
  }

  #take({ Keys, Items, Next, TimeToLive }, { key }) {
    if (JSON.stringify(Keys) !== JSON.stringify(this.#keys)) {
      this.#keys = Keys;
      this.#makeForm();
    }
    this.#next = Next ?? null;
    this.nextPage.disabled = this.#next === null;
    const names = this.#columns(Items);
    this.result.replaceChildren(...(Items.length > 0
      ? [table("Items", names.concat(this.#hasRest(Items, names) ? ["more"] : []), Items.map((item) => row(item, names, TimeToLive)))]
      : []));
    const count = Items.length === 1 ? "1 item" : `${Items.length} items`;
    const more = this.#next === null ? "" : "; there are more";
    this.status.textContent = Items.length === 0
      ? (key ? "There is no item with this key." : "There are no items here.")
      : `${count}${more}. Looking at them costs no capacity.${TimeToLive ? ` They expire at the time in ${TimeToLive}.` : ""}`;
  }

  #makeForm() {
    this.#inputs = this.#keys.map(({ Name, Type }) => {
      const label = create("label", "", `${Name} (${Type})`);
      const input = create("input");
      input.name = Name;
      input.required = true;
      input.autocomplete = "off";
      label.append(input);
      this.form.append(label);
      return { Name, Type, input, label };
    });
    const button = (text, type, action) => {
      const element = create("button", "", text);
      element.type = type;
      if (action) {
        element.addEventListener("click", action);
      }
      return element;
    };
    this.nextPage = button("Next page", "button", () => this.#show({ start: JSON.stringify(this.#next) }));
    this.form.replaceChildren(
      ...this.#inputs.map(({ label }) => label), button("Look up", "submit"), button("First page", "button", () => this.#show({})), this.nextPage,
    );
  }

  #lookUp() {
    const key = Object.fromEntries(this.#inputs.map(({ Name, Type, input }) => [Name, { [Type]: input.value }]));
    this.#show({ key: JSON.stringify(key) });
  }

  // The key first, then the attributes of these items.
  #columns(items) {
    const keys = this.#keys.map(({ Name }) => Name);
    const others = [...new Set(items.flatMap(Object.keys))].filter((name) => !keys.includes(name)).sort();
    return [...keys, ...others].slice(0, MAX_COLUMNS);
  }

  #hasRest(items, names) {
    return items.some((item) => Object.keys(item).some((name) => !names.includes(name)));
  }
}

function row(item, names, timeToLive) {
  const cells = names.map((name) => (name in item ? valueText(item[name]) + (name === timeToLive ? timeText(item[name]) : "") : ""));
  const rest = Object.entries(item).filter(([name]) => !names.includes(name));
  return rest.length === 0 ? cells : [...cells, JSON.stringify(Object.fromEntries(rest))];
}

// The time at which an item expires, after the number; nothing if it is none.
function timeText({ N }) {
  const time = new Date(Number(N) * 1000);
  return N === undefined || Number.isNaN(time.getTime()) ? "" : ` (${time.toISOString().slice(0, 19)}Z)`;
}

// Strings and numbers as they are, everything else as DynamoDB's JSON.
function valueText(value) {
  const [[type, inner]] = Object.entries(value);
  return type === "S" || type === "N" ? inner : JSON.stringify(value);
}
