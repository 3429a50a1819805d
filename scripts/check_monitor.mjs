// Drives the monitor page of local_dynamodb in Chromium while loads run.
//
// Usage: node check_monitor.mjs CHROMIUM FOLDER. The project's programs are on PATH, ./data has the log files; screenshots are
// written to FOLDER. Ends with an error at the first thing that is not as it should be.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const [executablePath, folder] = process.argv.slice(2);
const SPEED = 20; // slow enough for the burst of a table to be spent on any machine
const PATIENCE = 120_000;
const children = new Set();

// A program; ends with this one.
function start(name, args, env = {}) {
  const child = spawn(name, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
  children.add(child);
  child.said = "";
  child.stderr.on("data", (text) => { child.said += text; });
  child.ended = new Promise((resolve) => child.on("close", (code) => { children.delete(child); resolve(code); }));
  return child;
}

async function server(...args) {
  const child = start("local_dynamodb", ["--port", "0", ...args]);
  const [line] = await new Promise((resolve) => createInterface(child.stdout).once("line", (...all) => resolve(all)));
  return { url: line.split(" ").at(-1), stop: () => { child.kill("SIGTERM"); return child.ended; } };
}

const environment = (url) => ({ AWS_ENDPOINT_URL: url });

function run(url, name, ...args) {
  const child = start(name, args, environment(url));
  child.stdout.resume();
  return child;
}

async function done(url, name, ...args) {
  const child = run(url, name, ...args);
  assert.equal(await child.ended, 0, `${name} ${args.join(" ")}: ${child.said}`);
}

// A page that may talk to its server only, and that has nothing to complain about.
async function open(browser, url, { width = 1300, colorScheme = "light", answers } = {}) {
  const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.complaints = [];
  page.asked = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  page.on("requestfailed", (request) => page.complaints.push(`${request.url()} ${request.failure().errorText}`));
  context.on("request", (request) => page.asked.push(request.url()));
  if (answers) {
    await page.route("**/monitor.json*", (route) => route.fulfill({ json: answers }));
  }
  const response = await page.goto(url);
  assert.match(response.headers()["content-security-policy"], /default-src 'none'; script-src 'self'/);
  return page;
}

async function close(page, url) {
  assert.deepEqual(page.complaints, []);
  assert.ok(page.asked.length > 5);
  for (const asked of page.asked) {
    assert.equal(new URL(asked).origin, new URL(url).origin, "a request to elsewhere");
  }
  await page.context().close();
}

const tab = (page, table) => page.locator(`[role=tab][data-name="${table}"]`);
const figure = (page, title, resource) =>
  page.locator("figure", { has: page.getByText(title, { exact: true }) }).filter({ hasText: resource });

// What the legend of a chart says of a line, as a number.
async function legend(page, title, resource, line) {
  const row = figure(page, title, resource).locator(".u-series", { hasText: line });
  return Number((await row.locator(".u-value").textContent()).replace(/[^0-9.]/g, "") || NaN);
}

// The sum of a metric in the server's own counters.
async function counted(url, metric, ...dimensions) {
  const metrics = await (await fetch(`${url}/metrics.json`)).json();
  const values = (series) => series.Dimensions.map((each) => each.Value).join(" ");
  const found = metrics.Metrics.find((each) => each.MetricName === metric && values(each) === dimensions.join(" "));
  return (found?.Datapoints ?? []).reduce((sum, point) => sum + point.Sum, 0);
}

async function until(what, condition) {
  const deadline = Date.now() + PATIENCE;
  while (!(await condition())) {
    assert.ok(Date.now() < deadline, `it did not come to be: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// Pixels of a chart in the colour of a line.
function pixels(page, title, resource, variable) {
  return figure(page, title, resource).locator("canvas").evaluate((canvas, name) => {
    const colour = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const wanted = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    const copy = Object.assign(document.createElement("canvas"), { width: canvas.width, height: canvas.height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, copy.width, copy.height);
    let count = 0;
    for (let at = 0; at < data.length; at += 4) {
      count += data[at + 3] === 255 && wanted.every((value, n) => Math.abs(data[at + n] - value) < 8) ? 1 : 0;
    }
    return count;
  }, variable);
}

async function checkNotices(browser) {
  const plain = await server("--no-throttle");
  const page = await open(browser, plain.url);
  await page.getByText("started with --no-throttle").waitFor();
  assert.equal(await page.locator("[role=tab]").count(), 0);
  await until("it has asked several times", () => page.asked.length > 8);
  await close(page, plain.url);
  await plain.stop();
  console.log("--no-throttle: the page says that there is nothing to show");
}

// The workshop's first question: the table throttles, its index does not.
async function checkTable(browser, url, page) {
  await page.getByText("There is no table yet").waitFor();
  await done(url, "create_tables", "logfile");
  await done(url, "load_logfile", "logfile", "./data/logfile_small1.csv");
  const load = run(url, "load_logfile", "logfile", "./data/logfile_medium1.csv");
  await page.locator(".explanation.throttled h2", { hasText: "logfile: writes are refused because of its own capacity" }).waitFor();
  assert.equal(await tab(page, "logfile").locator("small").textContent(), "throttled");
  const words = await page.locator(".explanation p").first().textContent();
  assert.match(words, /has 5 WCU a second.*Its index GSI_1 refuses nothing/);
  assert.equal(await load.ended, 0, load.said);
  const title = "Write throttle events per minute";
  const events = () => counted(url, "WriteThrottleEvents", "logfile");
  await until("the page shows the table's events", async () => await legend(page, title, "table logfile", "throughput") === await events());
  assert.ok(await events() > 0);
  assert.equal(await legend(page, title, "index GSI_1", "throughput"), 0);
  for (const [name, resource, colour] of [
    ["WCU per second", "table logfile", "--consumed"], ["WCU per second", "index GSI_1", "--consumed"],
    ["WCU per second", "table logfile", "--provisioned"], [title, "table logfile", "--events"],
    ["Backlog: writes that wait for the index", "index GSI_1", "--backlog"], ["Write burst balance", "table logfile", "--burst"],
  ]) {
    assert.ok(await pixels(page, name, resource, colour) > 50, `${name}, ${resource} has no line`);
  }
  console.log(`the table throttles and its index does not: ${await events()} events`);
}

// The second: a table with 1,000 WCU throttles because of its index.
async function checkIndex(browser, url, page) {
  await done(url, "create_tables", "logfile_gsi_low");
  const load = run(url, "load_logfile_parallel", "logfile_gsi_low");
  await tab(page, "logfile_gsi_low").click();
  await page.locator(".explanation.throttled h2", { hasText: "logfile_gsi_low: writes are refused because of its index GSI_1" }).waitFor();
  const words = await page.locator(".explanation p").first().textContent();
  assert.match(words, /The index has 1 WCU a second.*The table itself is not the reason: it takes [0-9.,]+ of its 1,000 WCU/);
  const meter = page.locator("meter[aria-label=Backlog]");
  assert.ok(await meter.evaluate((element) => element.value > 0.9 * element.max), "the backlog is full");
  const clock = async () => (await (await fetch(`${url}/metrics.json`)).json()).Clock.Seconds;
  const refused = await clock();
  await until("three minutes have passed", async () => await clock() > refused + 180);
  await page.screenshot({ path: join(folder, "throttled.png"), clip: { x: 0, y: 0, width: 1300, height: 1368 }, fullPage: true });
  load.kill("SIGINT");
  await load.ended;
  const title = "Write throttle events per minute";
  const events = () => counted(url, "WriteThrottleEvents", "logfile_gsi_low", "GSI_1");
  await until("the page shows the index's events", async () => await legend(page, title, "index GSI_1", "throughput") === await events());
  assert.ok(await events() > 0);
  assert.equal(await legend(page, title, "table logfile_gsi_low", "throughput"), 0);
  assert.equal(await counted(url, "WriteThrottleEvents", "logfile_gsi_low"), 0);
  const requests = await counted(url, "ThrottledRequests", "logfile_gsi_low", "BatchWriteItem");
  if (requests > 0) {
    assert.equal(await legend(page, "Throttled requests per minute", "table logfile_gsi_low", "BatchWriteItem"), requests);
  }
  assert.ok(await pixels(page, title, "index GSI_1", "--events") > 50);
  console.log(`a table with 1,000 WCU throttles because of its index: ${await events()} events, ${requests} requests`);
}

// A request to Application Auto Scaling, as the AWS CLI would send it.
async function scaling(url, operation, request) {
  const target = { ServiceNamespace: "dynamodb", ResourceId: "table/logfile", ScalableDimension: "dynamodb:table:WriteCapacityUnits" };
  const authorization = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/application-autoscaling/aws4_request, SignedHeaders=host, Signature=0";
  const headers = { "x-amz-target": `AnyScaleFrontendService.${operation}`, "content-type": "application/x-amz-json-1.1", authorization };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify({ ...target, ...request }) });
  assert.equal(response.status, 200, `${operation}: ${await response.clone().text()}`);
  return response.json();
}

// Auto scaling and its alarms are shown, step by step.
async function checkAutoScaling(browser) {
  const own = await server("--speed", "120");
  await done(own.url, "create_tables", "logfile");
  const page = await open(browser, own.url);
  await tab(page, "logfile").waitFor();
  assert.equal(await page.getByText("Write auto scaling").count(), 0);
  await scaling(own.url, "RegisterScalableTarget", { MinCapacity: 5, MaxCapacity: 100 });
  await scaling(own.url, "PutScalingPolicy", {
    PolicyName: "70-percent", PolicyType: "TargetTrackingScaling",
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 70, PredefinedMetricSpecification: { PredefinedMetricType: "DynamoDBWriteCapacityUtilization" },
    },
  });
  await page.getByText("target 70 %, 5 to 100 WCU").waitFor();
  const alarms = page.getByRole("region", { name: "Alarms" });
  await alarms.getByText(/^TargetTracking-table\/logfile-AlarmHigh-/).waitFor();
  assert.equal(await alarms.locator("tbody tr").count(), 2);
  const load = run(own.url, "load_logfile", "logfile", "./data/logfile_medium1.csv");
  const steps = page.getByRole("region", { name: "Auto scaling" });
  await steps.getByText(/^Setting write capacity units to \d+\.$/).first().waitFor();
  await steps.getByText("Successful").first().waitFor();
  assert.equal(await load.ended, 0, load.said);
  await until("a line shows the target", async () => await pixels(page, "WCU per second", "table logfile", "--burst") > 20);
  const overflow = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels beyond the screen`);
  await page.screenshot({ path: join(folder, "auto-scaling.png"), fullPage: true });
  await close(page, own.url);
  await own.stop();
  console.log("auto scaling: target, alarms and steps are shown");
}

// A request to DynamoDB.
async function dynamodb(url, operation, request) {
  const authorization = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host;x-amz-date, Signature=0";
  const headers = { "x-amz-target": `DynamoDB_20120810.${operation}`, "content-type": "application/x-amz-json-1.0", authorization, "x-amz-date": "20260101T000000Z" };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(request) });
  return response.ok ? response.json() : Promise.reject(new Error(`${operation}: ${await response.text()}`));
}

// An index that is added to a table is filled before it can be read.
async function checkNewIndex(browser) {
  const own = await server("--update-time", "0", "--starting-burst", "0");
  const call = (operation, request) => dynamodb(own.url, operation, request);
  const string = (name) => ({ AttributeName: name, AttributeType: "S" });
  const hash = (name) => [{ AttributeName: name, KeyType: "HASH" }];
  await call("CreateTable", {
    TableName: "orders", AttributeDefinitions: [string("id")], KeySchema: hash("id"),
    ProvisionedThroughput: { ReadCapacityUnits: 100, WriteCapacityUnits: 1000 },
  });
  await until("the table is active", async () => (await call("DescribeTable", { TableName: "orders" })).Table.TableStatus === "ACTIVE");
  const puts = Array.from({ length: 25 }, (_, n) => ({ PutRequest: { Item: { id: { S: `item ${n}` }, user: { S: "all" } } } }));
  // A refusal would be what the page explains for the next minute.
  const balance = async () => (await (await fetch(`${own.url}/metrics.json`)).json()).Tables[0].Write.BurstBalance;
  await until("the table has capacity for them", async () => await balance() >= puts.length);
  assert.deepEqual((await call("BatchWriteItem", { RequestItems: { orders: puts } })).UnprocessedItems, {});
  const page = await open(browser, own.url);
  await tab(page, "orders").waitFor();
  await call("UpdateTable", {
    TableName: "orders", AttributeDefinitions: [string("user")],
    GlobalSecondaryIndexUpdates: [{ Create: {
      IndexName: "by-user", KeySchema: hash("user"), Projection: { ProjectionType: "ALL" },
      ProvisionedThroughput: { ReadCapacityUnits: 1, WriteCapacityUnits: 1 },
    } }],
  });
  await page.locator(".explanation h2", { hasText: "orders: its new index by-user is being created" }).waitFor();
  await page.getByText(/^CREATING: backfilling, [0-9.]+ %, waits for write capacity$/).waitFor();
  await figure(page, "WCU per second", "index by-user").getByText("backfilling").waitFor();
  await page.screenshot({ path: join(folder, "new-index.png") });
  await page.locator(".explanation h2", { hasText: "orders: its new index" }).waitFor({ state: "detached" });
  assert.equal(await page.getByText(/^CREATING/).isVisible(), false);
  await close(page, own.url);
  await own.stop();
  console.log("a new index: its creation and its fill are shown");
}

// On demand there is no burst, and items that time to live deletes are counted.
async function checkOnDemandAndTimeToLive(browser) {
  const own = await server("--speed", "60");
  const call = (operation, request) => dynamodb(own.url, operation, { TableName: "sessions", ...request });
  await call("CreateTable", {
    BillingMode: "PAY_PER_REQUEST", AttributeDefinitions: [{ AttributeName: "id", AttributeType: "N" }],
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  });
  await until("the table is active", async () => (await call("DescribeTable", {})).Table.TableStatus === "ACTIVE");
  await call("UpdateTimeToLive", { TimeToLiveSpecification: { AttributeName: "expires", Enabled: true } });
  await call("PutItem", { Item: { id: { N: "1" }, expires: { N: "1900000000000" } } });
  const page = await open(browser, own.url);
  await page.getByText("The table is on demand: it serves 4,000 WCU").waitFor();
  await page.getByText("of 4,000, on demand").waitFor();
  assert.equal(await page.getByText("burst balance").count(), 0);
  await page.getByRole("button", { name: "Items", exact: true }).click();
  await page.getByText("They expire at the time in expires.").waitFor();
  await page.getByRole("button", { name: "Metrics", exact: true }).click();
  const now = Math.floor((await (await fetch(`${own.url}/metrics.json`)).json()).Clock.Seconds);
  await call("PutItem", { Item: { id: { N: "2" }, expires: { N: String(now - 60) } } });
  const title = "Items deleted by time to live per minute";
  await page.getByText(title).waitFor();
  await until("the deleted item is counted", async () => await legend(page, title, "table sessions", "deleted") === 1);
  await close(page, own.url);
  await own.stop();
  console.log("a table on demand, and items that expire");
}

// Items, page by page and by key: nothing is consumed.
async function checkItems(browser, url) {
  const page = await open(browser, url);
  await tab(page, "logfile").click();
  const before = await counted(url, "ConsumedReadCapacityUnits", "logfile");
  await page.getByRole("button", { name: "Items", exact: true }).click();
  const rows = page.locator(".items tbody tr");
  await page.getByText("25 items; there are more.").waitFor();
  assert.equal(await rows.count(), 25);
  assert.equal(await page.locator("figure").first().isVisible(), false);
  const first = await rows.first().textContent();
  await page.getByRole("button", { name: "Next page" }).click();
  await until("the next page is another", async () => await rows.count() === 25 && await rows.first().textContent() !== first);
  await page.screenshot({ path: join(folder, "items.png") });
  await page.getByLabel("PK (S)").fill("request#7");
  await page.keyboard.press("Enter");
  await page.getByText("1 item. Looking at them").waitFor();
  assert.match(await rows.first().textContent(), /^request#7/);
  await page.getByLabel("PK (S)").fill("no such key");
  await page.getByRole("button", { name: "Look up" }).click();
  await page.getByText("There is no item with this key.").waitFor();
  assert.equal(await counted(url, "ConsumedReadCapacityUnits", "logfile"), before);
  await page.getByRole("button", { name: "Metrics", exact: true }).click();
  await page.locator("figure").first().waitFor();
  const overflow = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
  assert.ok(overflow <= 0, `${overflow} pixels beyond the screen`);
  await close(page, url);
  console.log("items: pages and look-ups, and no capacity consumed");
}

// Everything can be reached, and seen to be reached, without a mouse.
async function checkKeyboard(page) {
  await page.locator("body").click({ position: { x: 2, y: 2 } });
  await page.evaluate(() => document.activeElement.blur());
  const reached = [];
  for (let n = 0; n < 40; n += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
      return { name: element.id || element.className || element.tagName, outlined };
    });
    if (focused.name === "BODY" || reached.includes("A")) {
      break;
    }
    assert.ok(focused.outlined, `the focus on ${focused.name} cannot be seen`);
    reached.push(focused.name);
  }
  for (const name of ["skip", "range", "pause", "chart", "SUMMARY", "A"]) {
    assert.ok(reached.includes(name), `${name} cannot be reached: ${reached}`);
  }
  assert.equal(reached.filter((name) => name.startsWith("tab-")).length, 1, "the tabs are one stop");

  await page.locator("[role=tab][aria-selected=true]").focus();
  const selected = () => page.locator("[role=tab][aria-selected=true]").getAttribute("data-name");
  const before = await selected();
  await page.keyboard.press("ArrowRight");
  assert.notEqual(await selected(), before);
  await page.keyboard.press("End");
  await page.keyboard.press("Home");
  assert.equal(await selected(), "logfile");
  assert.equal(await page.evaluate(() => document.activeElement.dataset.name), "logfile");
  assert.match(await page.locator(".explanation h2").textContent(), /^logfile: /);

  await page.locator(".chart").first().focus();
  const minute = () => page.locator(".chart").first().locator(".u-series").first().locator(".u-value").textContent();
  assert.equal(await minute(), "all");
  await page.keyboard.press("ArrowLeft");
  await until("a minute is pointed at", async () => /^\d\d:\d\d$/.test(await minute()));
  const last = await minute();
  await page.keyboard.press("ArrowLeft");
  await until("the minute before it is", async () => await minute() < last);

  await page.locator("#pause").focus();
  await page.keyboard.press("Space");
  assert.equal(await page.locator("#pause").getAttribute("aria-pressed"), "true");
  await page.keyboard.press("Space");
  await page.locator("#range").selectOption("60");
  await page.locator("#range").selectOption("activity");
  console.log(`keyboard: ${reached.length} stops, all seen`);
}

// Contrast of two CSS colours, by WCAG.
function contrast(one, other) {
  const luminance = (colour) => {
    const parts = colour.match(/[0-9.]+/g).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

async function checkLooks(browser, url) {
  const backgrounds = new Set();
  for (const [width, colorScheme] of [[360, "light"], [360, "dark"], [1300, "dark"], [1300, "light"]]) {
    const page = await open(browser, url, { width, colorScheme });
    await tab(page, "logfile_gsi_low").click();
    await page.locator(".explanation h2", { hasText: "logfile_gsi_low" }).waitFor();
    await until("charts are drawn", async () => await pixels(page, "WCU per second", "index GSI_1", "--consumed") > 50);
    const overflow = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
    assert.ok(overflow <= 0, `${overflow} pixels beyond a screen of ${width}`);
    const texts = await page.locator("h1, #clock, [role=tab] small, .explanation p, dt, dd, th, td, caption, .views button, figcaption span, .u-value, footer p").evaluateAll((elements) => {
      const background = (element) => {
        const own = getComputedStyle(element).backgroundColor;
        return /, 0\)$/.test(own) && element.parentElement ? background(element.parentElement) : own;
      };
      return elements.filter((each) => each.textContent.trim() !== "" && each.checkVisibility())
        .map((each) => [each.textContent, getComputedStyle(each).color, background(each)]);
    });
    assert.ok(texts.length > 20);
    for (const [text, colour, background] of texts) {
      const ratio = contrast(colour, background);
      assert.ok(ratio >= 4.5, `${colorScheme}: the contrast of ${JSON.stringify(text)} is ${ratio.toFixed(2)}`);
    }
    backgrounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    await page.screenshot({ path: join(folder, `${width}-${colorScheme}.png`), fullPage: true });
    await close(page, url);
  }
  assert.equal(backgrounds.size, 2, "dark is not light");
  console.log(`phone and desktop, light and dark: screenshots in ${folder}`);
}

// DynamoDB takes no such names; should one ever come, it is text.
async function checkNames(browser, url) {
  const evil = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>";
  const answers = await (await fetch(`${url}/monitor.json?since=0`)).json();
  const table = answers.Tables.find((each) => each.TableName === "logfile");
  Object.assign(table, { TableName: evil, Headline: `${evil}: headline`, Explanation: evil, Past: evil });
  table.Resources[1].IndexName = evil;
  for (const series of table.Series) {
    series.IndexName = series.IndexName && evil;
  }
  const minute = Math.floor(answers.Clock.Seconds / 60);
  table.Series = table.Series.filter((series) => series.Operation === null);
  table.Series.push({ IndexName: null, MetricName: "ThrottledRequests", Operation: evil, State: false, Points: [[minute, 1]] });
  const page = await open(browser, url, { answers });
  await page.locator("[role=tab]", { hasText: "<img src=x" }).click();
  for (const place of [".explanation h2", ".explanation p.past", ".resource h3", "figcaption", ".u-legend"]) {
    await page.locator(place, { hasText: evil }).first().waitFor();
  }
  assert.equal(await page.locator("img, main script").count(), 0);
  assert.equal(await page.title(), "local_dynamodb monitor");
  await close(page, url);
  console.log("names that would be HTML are text");
}

// What somebody who found a hole could do: no script of theirs runs, no request of theirs gets out.
async function checkPolicy(browser, url) {
  const page = await open(browser, url);
  const blocked = await page.evaluate(async () => {
    const violations = [];
    document.addEventListener("securitypolicyviolation", (event) => violations.push(event.effectiveDirective));
    const script = document.createElement("script");
    script.textContent = "document.title = 'run'";
    document.body.append(script);
    const image = document.createElement("img");
    image.src = "http://127.0.0.1:9/";
    document.body.append(image);
    await fetch("http://127.0.0.1:9/").catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, 0));
    return violations.sort();
  });
  assert.deepEqual(blocked, ["connect-src", "img-src", "script-src-elem"]);
  assert.equal(await page.title(), "local_dynamodb monitor");
  await page.context().close();
  console.log("the content security policy holds");
}

async function checkLoss(browser, own) {
  const page = await open(browser, own.url);
  await tab(page, "logfile").waitFor();
  await own.stop();
  await page.locator("#connection", { hasText: "does not answer" }).waitFor();
  assert.ok(await page.locator(".explanation").isVisible(), "what was known is still shown");
  await page.context().close();
  console.log("a server that stops is told of");
}

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
  ],
});
try {
  await checkNotices(browser);
  await checkAutoScaling(browser);
  await checkNewIndex(browser);
  await checkOnDemandAndTimeToLive(browser);
  const own = await server("--speed", String(SPEED));
  const page = await open(browser, own.url);
  await checkTable(browser, own.url, page);
  await checkIndex(browser, own.url, page);
  await checkKeyboard(page);
  await close(page, own.url);
  await checkItems(browser, own.url);
  await checkLooks(browser, own.url);
  await checkNames(browser, own.url);
  await checkPolicy(browser, own.url);
  await checkLoss(browser, own);
  console.log("The monitor page is right.");
} finally {
  await browser.close();
  children.forEach((child) => child.kill("SIGKILL"));
}
