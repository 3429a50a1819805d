// Asks the server once a second and shows what it answers.

import { History } from "./history.js";
import { TablePanel } from "./table_panel.js";

const INTERVAL = 1000;
const byId = (id) => document.getElementById(id);
const [clock, connection, notice, panelHolder, range, pause, tabList] =
  ["clock", "connection", "notice", "panel", "range", "pause", "tables"].map(byId);

let history = new History();
let answer = null;
let selected = null;
let panel = null;
let paused = false;

// Units per second between the last two answers that are far enough apart, from the server's counters.
class Rates {
  #samples = new Map();

  take(tables, seconds) {
    for (const table of tables) {
      for (const resource of table.Resources) {
        for (const kind of ["Write", "Read"]) {
          if (!resource[kind]) {
            continue;
          }
          const key = this.#key(resource, kind);
          const samples = (this.#samples.get(key) ?? []).filter((sample) => sample.consumed <= resource[kind].Consumed);
          samples.push({ seconds, consumed: resource[kind].Consumed });
          this.#samples.set(key, samples.slice(-4));
        }
      }
    }
  }

  get(resource, kind) {
    const samples = this.#samples.get(this.#key(resource, kind)) ?? [];
    const [first, last] = [samples.at(0), samples.at(-1)];
    return samples.length < 2 ? null : (last.consumed - first.consumed) / Math.max(last.seconds - first.seconds, 1e-9);
  }

  #key(resource, kind) {
    return JSON.stringify([resource.TableName, resource.IndexName, kind]);
  }
}
const rates = new Rates();

async function poll() {
  if (!paused && !document.hidden) {
    try {
      const response = await fetch(`/monitor.json?since=${history.since}`, { cache: "no-store" });
      if (!response.ok) {
        throw new Error(`the server answered ${response.status}`);
      }
      take(await response.json());
      connection.hidden = true;
    } catch (error) {
      connection.textContent = `The server does not answer (${error.message}). What is shown is what it told last; this page goes on asking.`;
      connection.hidden = false;
    }
  }
  setTimeout(poll, INTERVAL);
}

function take(next) {
  answer = next;
  history.merge(answer);
  for (const table of answer.Tables) {
    table.Resources.forEach((resource) => { resource.TableName = table.TableName; });
  }
  rates.take(answer.Tables, answer.Clock.Seconds);
  show();
}

function show() {
  if (!answer) {
    return;
  }
  showClock();
  const text = noticeText();
  notice.hidden = text === "";
  notice.textContent = text;
  if (text !== "") {
    tabList.hidden = true;
    panelHolder.hidden = true;
    panel?.remove();
    panel = null;
    return;
  }
  tabList.hidden = false;
  panelHolder.hidden = false;
  const names = answer.Tables.map((table) => table.TableName);
  selected = names.includes(selected) ? selected : names[0];
  showTabs();
  showPanel(answer.Tables.find((table) => table.TableName === selected));
}

function noticeText() {
  if (!answer.Throttling) {
    return "This server was started with --no-throttle: it lets everything in and counts nothing, so there is nothing to show.\n"
      + "Start it without --no-throttle to see capacity, throttling and the backlog of indexes here.";
  }
  if (answer.Tables.length === 0) {
    return `There is no table yet. Create one, and load it, for example:\n\nexport AWS_ENDPOINT_URL=${location.origin}\ncreate_tables logfile\nload_logfile logfile ./data/logfile_medium1.csv`;
  }
  return "";
}

function showClock() {
  const [day, time] = answer.Clock.Now.replace("Z", "").split("T");
  const strong = document.createElement("strong");
  strong.textContent = time;
  const speed = answer.Clock.Speed > 1 ? ` UTC, ${answer.Clock.Speed} times as fast as the wall’s` : " UTC";
  clock.replaceChildren(`${day} `, strong, speed);
}

function showTabs() {
  const wanted = JSON.stringify(answer.Tables.map((table) => table.TableName));
  if (tabList.dataset.names !== wanted) {
    tabList.dataset.names = wanted;
    const hadFocus = tabList.contains(document.activeElement);
    tabList.replaceChildren(...answer.Tables.map(makeTab));
    if (hadFocus) {
      [...tabList.children].find((tab) => tab.dataset.name === selected)?.focus();
    }
  }
  answer.Tables.forEach((table, n) => {
    const tab = tabList.children[n];
    const isSelected = table.TableName === selected;
    tab.setAttribute("aria-selected", String(isSelected));
    tab.tabIndex = isSelected ? 0 : -1;
    tab.querySelector(".dot").className = `dot ${table.Status}`;
    const state = tab.querySelector("small");
    if (state.textContent !== table.Status) {
      state.textContent = table.Status;
    }
    if (isSelected) {
      panelHolder.setAttribute("aria-labelledby", tab.id);
    }
  });
}

function makeTab(table, n) {
  const tab = document.createElement("button");
  tab.type = "button";
  tab.id = `tab-${n}`;
  tab.setAttribute("role", "tab");
  tab.setAttribute("aria-controls", "panel");
  tab.dataset.name = table.TableName;
  const [dot, name, state] = ["span", "span", "small"].map((tag) => document.createElement(tag));
  dot.setAttribute("aria-hidden", "true");
  dot.className = "dot";
  name.textContent = table.TableName;
  tab.append(dot, name, state);
  tab.addEventListener("click", () => select(table.TableName));
  return tab;
}

function select(name) {
  selected = name;
  show();
}

tabList.addEventListener("keydown", (event) => {
  const tabs = [...tabList.children];
  const at = tabs.findIndex((tab) => tab.dataset.name === selected);
  const to = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to !== undefined) {
    event.preventDefault();
    select(tabs[(to + tabs.length) % tabs.length].dataset.name);
    tabList.querySelector("[aria-selected=true]").focus();
  }
});

function showPanel(table) {
  if (!panel || !panel.fits(table, history)) {
    panel?.remove();
    panel = new TablePanel(table, history);
    panelHolder.append(panel.element);
  }
  panel.update(table, history, range.value, rates);
}

range.addEventListener("change", show);
pause.addEventListener("click", () => {
  paused = !paused;
  pause.setAttribute("aria-pressed", String(paused));
  pause.textContent = paused ? "Go on" : "Pause";
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => panel?.restyle());
poll();
