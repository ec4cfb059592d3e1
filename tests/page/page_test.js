// Drives the lab's page in a headless Chromium: breaks a server, sees the ladder grow, has a phone judged.
//
//   node page_test.js URL SCREENSHOT
//
// A phone registers at the lab meanwhile, every second. NODE_MODULES names the folder of playwright-core, CHROMIUM the
// browser. Says what it saw, and ends with 0; at the first thing that is not as expected, with 1.
'use strict';

const assert = require('node:assert/strict');
const {chromium} = require(`${process.env.NODE_MODULES}/playwright-core`);

const [url, screenshot] = process.argv.slice(2);
const WAIT_MS = 60000;

async function follow(page, problems) {
  page.on('pageerror', (error) => problems.push(`error on the page: ${error}`));
  page.on('console', (message) => message.type() === 'error' && problems.push(`console: ${message.text()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(new URL(url).origin)) problems.push(`fetched from elsewhere: ${request.url()}`);
  });
  page.setDefaultTimeout(WAIT_MS);
  await page.goto(url);
}

async function breakServer(page) {
  const card = page.locator('#server-server1');
  await card.getByText('1 registered').waitFor();
  await card.getByRole('button', {name: 'silent', exact: true}).click();
  await card.locator('.faults', {hasText: 'silent'}).waitFor();
  assert.match(await card.getAttribute('class'), /broken/);
  await page.locator('#ladder .fault text', {hasText: 'silent'}).waitFor();
  console.log('a button broke server1, and the ladder shows it');
}

async function seeLadderGrow(page) {
  const rows = page.locator('#ladder g:not(.head)'), before = await rows.count();
  await rows.nth(before + 3).waitFor();
  await page.locator('#ladder .lost').first().waitFor();
  await page.locator('#server-server2').getByText('1 registered').waitFor();
  console.log('the ladder grew, with requests that were lost, until server2 had the phone');
}

async function seeVerdict(page) {
  await page.getByRole('button', {name: 'judge'}).click();
  await page.locator('#verdict .rule').first().waitFor();
  assert.deepEqual(await page.locator('#verdict .rule.bad').allInnerTexts(), [], 'rules broken');
  const kept = await page.locator('#verdict .rule.good').allInnerTexts();
  assert.ok(kept.some((text) => text.includes('TIME-1')), `TIME-1 is among the rules kept: ${kept}`);
  console.log(`a verdict: ${kept.length} rules kept, none broken`);
}

// Orders that are given at the same time each stand in the ladder, once.
async function seeOnce(page) {
  const faults = page.locator('#ladder .fault'), before = await faults.count();
  const orders = ['silent', 'up', 'silent', 'up', 'silent', 'up'].map((fault) => `server3 ${fault}`);
  await page.evaluate((texts) => Promise.all(texts.map(order)), orders);
  assert.equal(await faults.count(), before + orders.length, 'faults in the ladder');
  console.log('orders given at the same time stand in the ladder once each');
}

// What came from the network is shown, and nothing of it becomes part of the page.
async function seeEscaped(page) {
  await page.locator('#ladder title', {hasText: '<b>dance</b>'}).first().waitFor({state: 'attached'});
  assert.equal(await page.locator('#ladder b').count(), 0, 'no element came from the network');
  console.log('markup in a name that was asked for stayed text');
}

async function seeRefused(page) {
  const status = await page.evaluate(async () =>
    (await fetch('order', {method: 'POST', headers: {'X-Keepline-Token': 'wrong'}, body: 'all up'})).status);
  assert.equal(status, 403, 'an order with a wrong token');
  console.log('a wrong token was refused');
}

async function seeReport(page) {
  const report = await page.context().newPage();
  await report.goto(new URL(await page.locator('#report').getAttribute('href'), url).href);
  await report.locator('svg.ladder .request').first().waitFor();
  assert.match(await report.locator('h1').innerText(), /No rule was seen broken/);
  await report.screenshot({path: screenshot.replace(/\.png$/, '-report.png'), fullPage: true});
  console.log('the report has a ladder of its own');
}

async function main() {
  const browser = await chromium.launch({executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'], timeout: WAIT_MS});
  const context = await browser.newContext({viewport: {width: 1500, height: 940}}), page = await context.newPage();
  const problems = [];
  try {
    await follow(page, problems);
    await breakServer(page);
    await seeLadderGrow(page);
    await seeVerdict(page);
    await seeEscaped(page);
    await seeOnce(page);
    await page.screenshot({path: screenshot});
    assert.deepEqual(problems, []);
    await seeRefused(page);
    await seeReport(page);
  } finally {
    await browser.close();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
