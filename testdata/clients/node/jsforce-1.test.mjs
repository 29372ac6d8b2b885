// jsforce 1, which much of what runs in companies still uses: API version 42, other resources than its successor.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import jsforce from 'jsforce-1';

const { url, token, client_id, client_secret, org_id } = JSON.parse(process.env.CRMSIM).salesforce;
const conn = new jsforce.Connection({ instanceUrl: url, accessToken: token });
const lead = (name, more = {}) => ({ LastName: `${name} ${process.pid}`, Company: 'Clients One Ltd', ...more });
const code = (errorCode) => (err) => err.errorCode === errorCode;

test('a bare token tells who it belongs to', async () => {
  assert.equal((await conn.identity()).organization_id, org_id);
  assert.ok(conn.limitInfo.apiUsage.used > 0);
});

test('a lead is created, read, updated, found and deleted', async () => {
  const made = await conn.sobject('Lead').create(lead('Old'));
  await conn.sobject('Lead').update({ Id: made.id, FirstName: 'Dana' });
  assert.equal((await conn.sobject('Lead').retrieve(made.id)).FirstName, 'Dana');
  const found = await conn.sobject('Lead').find({ LastName: `Old ${process.pid}` }, 'Id, Name').limit(2).execute();
  assert.deepEqual(found.map((r) => r.Id), [made.id]);
  const known = (await conn.search(`FIND {Old ${process.pid}} IN ALL FIELDS RETURNING Lead(Id, Name)`)).searchRecords;
  assert.deepEqual(known.map((r) => r.Id), [made.id]);
  await conn.sobject('Lead').destroy(made.id);
  await assert.rejects(async () => conn.sobject('Lead').retrieve(made.id), code('ENTITY_IS_DELETED'));
});

test('several rows, and children with their parents', async () => {
  const made = await conn.sobject('Lead').create([lead('Many'), { LastName: 'No company' }]);
  assert.deepEqual(made.map((r) => r.success), [true, false]);
  const accounts = await conn.sobject('Account').find({}, 'Id, Name').include('Contacts').select('Id, Name').end().limit(2).execute();
  assert.ok(accounts.length > 0 && 'Contacts' in accounts[0]);
  const joined = await conn.query('SELECT a.Id FROM Account a WHERE a.Id IN (SELECT AccountId FROM Contact) LIMIT 1');
  assert.equal(joined.totalSize, 1);
});

test('a query is walked to its end by events', async () => {
  await conn.sobject('Lead').create(Array.from({ length: 25 }, (_, n) => lead(`Walk${n}`)), { allOrNone: true });
  const rows = [];
  await new Promise((resolve, reject) => {
    conn.query('SELECT Id FROM Lead').on('record', (r) => rows.push(r.Id)).on('end', resolve).on('error', reject).run({ autoFetch: true, maxFetch: 20000 });
  });
  assert.ok(rows.length >= 25);
  assert.equal(new Set(rows).size, rows.length);
});

test('describe, limits, recent, explain', async () => {
  assert.ok((await conn.sobject('Lead').describe()).fields.length > 10);
  assert.ok((await conn.describeGlobal()).maxBatchSize > 0);
  assert.ok((await conn.limits()).DailyApiRequests.Remaining > 0);
  assert.deepEqual(await conn.sobject('Lead').recent(), []);
  assert.ok((await conn.sobject('Lead').find({}, 'Id').explain()).plans.length > 0);
});

test('a password is refused by both log-ins, and a session can be ended', async () => {
  const oauth2 = { loginUrl: url, clientId: client_id, clientSecret: client_secret };
  await assert.rejects(async () => new jsforce.Connection({ oauth2 }).login('somebody@example.com', 'secret'), /authentication failure/);
  await assert.rejects(async () => new jsforce.Connection({ loginUrl: url }).login('somebody@example.com', 'secret'), /INVALID_LOGIN/);
  const answer = await fetch(`${url}/services/oauth2/token`, {
    method: 'POST', body: new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }),
  });
  const session = new jsforce.Connection({ oauth2, instanceUrl: url, accessToken: (await answer.json()).access_token });
  assert.equal((await session.query('SELECT Id FROM Account LIMIT 1')).totalSize, 1);
  await session.logoutByOAuth2();
  const after = new jsforce.Connection({ instanceUrl: url, accessToken: '00D!gone' });
  await assert.rejects(async () => after.query('SELECT Id FROM Account LIMIT 1'), code('INVALID_SESSION_ID'));
});
