// What happens by itself to a table: its alarms, and the steps of auto scaling. Names are only ever set as text.

const DOTS = { ALARM: "throttled", OK: "calm", INSUFFICIENT_DATA: "none", Failed: "throttled", Successful: "calm", InProgress: "busy", Unfulfilled: "busy" };

export class AutomationSection {
  #shown = "";

  constructor() {
    this.element = document.createElement("div");
    this.element.hidden = true;
  }

  // Made anew only when something has changed: what is selected or read aloud stays as it is.
  update({ Alarms, Activities }) {
    const wanted = JSON.stringify([Alarms, Activities]);
    if (wanted === this.#shown) {
      return;
    }
    this.#shown = wanted;
    this.element.hidden = Alarms.length + Activities.length === 0;
    const parts = [];
    if (Activities.length > 0) {
      const rows = Activities.map((each) => [each.Time, each.Resource, state(each.Status), each.Description, each.Cause]);
      parts.push(card("Auto scaling", ["Time", "Resource", "Status", "Step", "Cause"], rows));
    }
    if (Alarms.length > 0) {
      const rows = Alarms.map((each) => [each.Name, state(each.State), each.Since, each.Condition, each.Reason]);
      parts.push(card("Alarms", ["Name", "State", "Since", "Condition", "Reason"], rows));
    }
    this.element.replaceChildren(...parts);
  }
}

export function card(caption, headings, rows) {
  const holder = create("div", "card automation wide-table");
  holder.tabIndex = 0;
  holder.setAttribute("role", "region");
  holder.setAttribute("aria-label", caption);
  holder.append(table(caption, headings, rows));
  return holder;
}

// Cells are texts or elements.
export function table(caption, headings, rows) {
  const element = create("table");
  const head = create("tr");
  head.append(...headings.map((heading) => Object.assign(create("th", "", heading), { scope: "col" })));
  const body = create("tbody");
  for (const cells of rows) {
    const row = create("tr");
    row.append(...cells.map((cell) => (cell instanceof Node ? cell : create("td", "", cell))));
    body.append(row);
  }
  const thead = create("thead");
  thead.append(head);
  element.append(create("caption", "", caption), thead, body);
  return element;
}

function state(name) {
  const cell = create("td", "state");
  const dot = create("span", `dot ${DOTS[name] ?? "none"}`);
  dot.setAttribute("aria-hidden", "true");
  cell.append(dot, name);
  return cell;
}

export function create(tag, className = "", text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}
