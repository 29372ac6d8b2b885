// jsforce against the simulated org, as an integration would use it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import jsforce from 'jsforce';

const { url, token, client_id, client_secret, org_id } = JSON.parse(process.env.CRMSIM).salesforce;
const connect = () => new jsforce.Connection({ instanceUrl: url, accessToken: token, version: '64.0' });
const conn = connect();
const code = (errorCode) => (err) => err.errorCode === errorCode;
const lead = (name, more = {}) => ({ LastName: name, Company: 'Clients Ltd', ...more });

test('logging in with client credentials gives an instance to work with', async () => {
  const other = new jsforce.Connection({ oauth2: { clientId: client_id, clientSecret: client_secret, loginUrl: url } });
  await other.authorize({ grant_type: 'client_credentials' });
  assert.equal(other.instanceUrl, url);
  const me = await other.identity();
  assert.equal(me.organization_id, org_id);
});

test('a person approves the app, and its refresh token keeps it in', async () => {
  const oauth2 = new jsforce.OAuth2({ clientId: client_id, clientSecret: client_secret, loginUrl: url, redirectUri: 'http://localhost:1717/callback', useVerifier: true });
  const approved = await fetch(oauth2.getAuthorizationUrl({ scope: 'api refresh_token', state: 'here' }), { redirect: 'manual' });
  const back = new URL(approved.headers.get('location'));
  assert.equal(back.searchParams.get('state'), 'here');
  const other = new jsforce.Connection({ oauth2, version: '64.0' });
  await other.authorize(back.searchParams.get('code'));
  other.accessToken = '00D000000000000!ended'; // as after two hours
  assert.equal((await other.query('SELECT Id FROM Account LIMIT 1')).totalSize, 1);
  await assert.rejects(new jsforce.Connection({ oauth2 }).authorize(back.searchParams.get('code')), /invalid/);
});

test('a lead is created, read, updated and deleted', async () => {
  const made = await conn.sobject('Lead').create(lead('Life', { Email: `life-${process.pid}@clients.example.com` }));
  assert.ok(made.success);
  await conn.sobject('Lead').update({ Id: made.id, FirstName: 'Dana' });
  const read = await conn.sobject('Lead').retrieve(made.id);
  assert.equal(read.FirstName, 'Dana');
  await conn.sobject('Lead').destroy(made.id);
  await assert.rejects(conn.sobject('Lead').retrieve(made.id), code('ENTITY_IS_DELETED'));
});

test('what the org refuses has its code', async () => {
  await assert.rejects(conn.sobject('Lead').create({ LastName: 'No company' }), code('REQUIRED_FIELD_MISSING'));
  await assert.rejects(conn.sobject('Lead').create(lead('Bad', { Handoff_Status__c: 'No such status' })), code('INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST'));
  await assert.rejects(conn.sobject('Lead').create(lead('Bad', { No_Such__c: 'x' })), code('INVALID_FIELD'));
  await assert.rejects(conn.query('SELECT No_Such__c FROM Lead'), code('INVALID_FIELD'));
  await assert.rejects(conn.query('SELECT Id FROM Lead WHERE'), code('MALFORMED_QUERY'));
});

test('collections answer for every record', async () => {
  const made = await conn.sobject('Lead').create([lead('One'), { LastName: 'Two' }, lead('Three')], { allOrNone: false });
  assert.deepEqual(made.map((r) => r.success), [true, false, true]);
  assert.equal(made[1].errors[0].statusCode, 'REQUIRED_FIELD_MISSING');
  const updated = await conn.sobject('Lead').update([{ Id: made[0].id, FirstName: 'A' }, { Id: made[2].id, FirstName: 'C' }]);
  assert.ok(updated.every((r) => r.success));
  const gone = await conn.sobject('Lead').destroy([made[0].id, made[2].id]);
  assert.ok(gone.every((r) => r.success));
});

test('queries filter, sort, follow parents and page', async () => {
  const found = await conn.query("SELECT Id, Name, Owner.Name, Owner.Email FROM Account WHERE Name LIKE 'A%' ORDER BY Name LIMIT 5");
  assert.ok(found.totalSize > 0 && found.records[0].Owner.Name);
  const rows = Array.from({ length: 450 }, (_, n) => lead(`Page ${process.pid} ${n}`));
  const made = await conn.sobject('Lead').create(rows, { allowRecursive: true });
  assert.ok(made.every((r) => r.success));
  const all = [];
  let page = await conn.query(`SELECT Id FROM Lead WHERE LastName LIKE 'Page ${process.pid} %'`, { headers: { 'Sforce-Query-Options': 'batchSize=200' } });
  for (;;) {
    all.push(...page.records);
    if (page.done) break;
    page = await conn.queryMore(page.nextRecordsUrl);
  }
  assert.equal(new Set(all.map((r) => r.Id)).size, 450);
  assert.equal((await conn.query(`SELECT count() FROM Lead WHERE LastName LIKE 'Page ${process.pid} %'`)).totalSize, 450);
});

test('find, conditions and dates', async () => {
  const leads = await conn.sobject('Lead').find({ LastName: { $like: `Page ${process.pid} %` }, CreatedDate: { $gte: jsforce.SfDate.YESTERDAY } }, 'Id, LastName').limit(3).sort({ LastName: 1 });
  assert.equal(leads.length, 3);
  assert.equal(await conn.sobject('Lead').count({ LastName: `Page ${process.pid} 7` }), 1);
});

test('an upsert by a key creates once', async () => {
  const key = `clients${process.pid}`;
  const task = { Subject: 'Call', Status: 'Not Started', Priority: 'Normal', Handoff_Key__c: key };
  const first = await conn.sobject('Task').upsert(task, 'Handoff_Key__c');
  const second = await conn.sobject('Task').upsert(task, 'Handoff_Key__c');
  assert.ok(first.success && second.success);
  assert.equal((await conn.query(`SELECT Id FROM Task WHERE Handoff_Key__c = '${key}'`)).totalSize, 1);
  await assert.rejects(conn.sobject('Task').create(task), code('DUPLICATE_VALUE'));
});

test('describe, limits, updated and deleted', async () => {
  const described = await conn.sobject('Lead').describe();
  assert.ok(described.fields.some((f) => f.name === 'OwnerId' && f.referenceTo.includes('User')));
  assert.ok((await conn.describeGlobal()).sobjects.some((o) => o.name === 'Opportunity'));
  assert.ok((await conn.limits()).DailyApiRequests.Max > 0);
  const made = await conn.sobject('Lead').create(lead('Changed'));
  await conn.sobject('Lead').destroy(made.id);
  const from = new Date(Date.now() - 3600e3), to = new Date(Date.now() + 60e3);
  assert.ok((await conn.sobject('Lead').updated(from, to)).ids.length > 0);
  assert.ok((await conn.sobject('Lead').deleted(from, to)).deletedRecords.some((r) => r.id === made.id));
});

test('composite requests refer to one another', async () => {
  const base = '/services/data/v64.0';
  const answer = await conn.requestPost(`${base}/composite`, {
    allOrNone: true,
    compositeRequest: [
      { method: 'POST', url: `${base}/sobjects/Lead`, referenceId: 'lead', body: lead('Composite') },
      { method: 'POST', url: `${base}/sobjects/Task`, referenceId: 'task', body: { Subject: 'Call', WhoId: '@{lead.id}' } },
      { method: 'GET', url: `${base}/sobjects/Task/@{task.id}?fields=WhoId`, referenceId: 'read' },
    ],
  });
  const [made, , read] = answer.compositeResponse;
  assert.equal(made.httpStatusCode, 201);
  assert.equal(read.body.WhoId, made.body.id);
});

test('bulk jobs load, fail by line, and are queried', async () => {
  Object.assign(conn.bulk2, { pollInterval: 200, pollTimeout: 20000 });
  const name = `Bulk ${process.pid}`;
  const input = [lead(`${name}, "a"`), { LastName: `${name} b`, Company: '' }];
  const loaded = await conn.bulk2.loadAndWaitForResults({ object: 'Lead', operation: 'insert', input });
  assert.deepEqual(loaded.successfulResults.map((r) => [r.LastName, r.sf__Created]), [[`${name}, "a"`, 'true']]);
  assert.match(loaded.failedResults[0].sf__Error, /^REQUIRED_FIELD_MISSING:.*Company --$/);
  const rows = await (await conn.bulk2.query(`SELECT Id, LastName FROM Lead WHERE LastName LIKE '${name}%'`)).toArray();
  assert.deepEqual(rows.map((r) => r.Id), [loaded.successfulResults[0].sf__Id]);
  await assert.rejects(conn.bulk2.query('SELECT COUNT() FROM Lead'), /not supported/);
});

test('leads are converted over SOAP', async () => {
  const made = await conn.sobject('Lead').create([lead('Converted', { Email: `soap-${process.pid}@clients.example.com` }), lead('Not converted'), lead('Converted too')]);
  const [{ Id: ownerId }] = (await conn.query("SELECT Id FROM User WHERE Email = 'ana@example.com'")).records;
  const [{ MasterLabel: convertedStatus }] = (await conn.query('SELECT MasterLabel FROM LeadStatus WHERE IsConverted = true')).records;
  const done = await conn.soap.convertLead({ leadId: made[0].id, convertedStatus, ownerId });
  assert.ok(done.success);
  assert.equal(done.leadId, made[0].id);
  const read = await conn.sobject('Lead').retrieve(made[0].id);
  assert.deepEqual([read.ConvertedAccountId, read.ConvertedContactId, read.ConvertedOpportunityId], [done.accountId, done.contactId, done.opportunityId]);
  const { accountId } = done;
  const many = await conn.soap.convertLead([
    { leadId: made[1].id, convertedStatus }, // which the assignment rule gave to a queue
    { leadId: made[2].id, convertedStatus, ownerId, accountId, doNotCreateOpportunity: true },
  ]);
  assert.deepEqual(many.map((r) => r.success), [false, true]);
  assert.equal(many[0].errors[0].statusCode, 'FIELD_INTEGRITY_EXCEPTION');
  assert.equal(many[1].accountId, accountId);
  assert.equal(many[1].opportunityId, null);
  await assert.rejects(conn.soap.convertLead({ leadId: undefined, convertedStatus }), code('sf:MALFORMED_ID'));
});

test('records are merged over SOAP, deleted and brought back', async () => {
  const made = await conn.sobject('Contact').create(['One', 'Two', 'Three'].map((LastName) => ({ LastName })));
  const [Id, ...recordToMergeIds] = made.map((r) => r.id);
  const merged = await conn.soap.merge({ masterRecord: { type: 'Contact', Id, Title: 'Director' }, recordToMergeIds });
  assert.ok(merged.success);
  assert.deepEqual([merged.id, merged.mergedRecordIds], [Id, recordToMergeIds]);
  assert.equal((await conn.sobject('Contact').retrieve(Id)).Title, 'Director');
  await assert.rejects(conn.sobject('Contact').retrieve(recordToMergeIds[0]), code('ENTITY_IS_DELETED'));
  assert.equal((await conn.soap.delete(Id)).id, Id);
  const [back] = await conn.soap.undelete([Id]);
  assert.deepEqual([back.id, back.success], [Id, true]);
});

test('SOAP tells the time and who one is, and what it has not got', async () => {
  assert.ok(Math.abs(new Date((await conn.soap.getServerTimestamp()).timestamp) - Date.now()) < 60e3);
  const me = await conn.soap.getUserInfo();
  assert.deepEqual([me.organizationId, me.userId], [org_id, (await conn.identity()).user_id]);
  await assert.rejects(conn.soap.emptyRecycleBin([me.userId]), code('sf:FUNCTIONALITY_NOT_ENABLED'));
  const late = new jsforce.Connection({ instanceUrl: url, accessToken: '00D000000000000!wrong', version: '64.0' });
  await assert.rejects(late.soap.getUserInfo(), code('sf:INVALID_SESSION_ID'));
});

test('a session that has ended is refused', async () => {
  const other = new jsforce.Connection({ instanceUrl: url, accessToken: '00D000000000000!wrong', version: '64.0' });
  await assert.rejects(other.query('SELECT Id FROM Lead LIMIT 1'), code('INVALID_SESSION_ID'));
});
