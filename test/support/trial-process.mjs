// Stands in for the process that tries a model: does what the model's name says.
process.once('message', ({ name }) => {
  if (name === 'hang') setInterval(() => undefined, 1000);
  else if (name === 'silent') process.exit(0);
  else if (name === 'fault') process.send({ kind: 'fault', message: 'something odd' }, () => process.exit(0));
  else if (name.startsWith('exit ')) process.exit(Number(name.slice(5)));
  else {
    if (name === 'SIGSEGV') process.stderr.write('about to crash\n');
    setTimeout(() => process.kill(process.pid, name), 100);
  }
});
