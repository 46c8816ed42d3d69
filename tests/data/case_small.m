function mpc = case_small
%CASE_SMALL  Made up for the tests: four buses in two areas, one isolated bus, one branch off.
mpc.version = '2';
mpc.baseMVA = 100;

%	bus_i	type	Pd	Qd	Gs	Bs	area	Vm	Va	baseKV	zone	Vmax	Vmin
mpc.bus = [
	1	3	0	0	0	0	1	1	0	380	1	1.1	0.9;
	2	1	60	10	0	0	1	1	0	380	1	1.1	0.9;
	3	1	30	5	0	0	2	1	0	110	1	1.1	0.9;
	4	1	-10	0	0	0	2	1	0	110	1	1.1	0.9;
	9	4	50	0	0	0	2	1	0	110	1	1.1	0.9;
];

%	bus	Pg	Qg	Qmax	Qmin	Vg	mBase	status	Pmax	Pmin
mpc.gen = [
	1	100	0	100	-100	1	100	1	200	0;
];

%	fbus	tbus	r	x	b	rateA	rateB	rateC	ratio	angle	status	angmin	angmax
mpc.branch = [
	1	2	0.001	0.0208	0	0	0	0	0	0	1	-360	360;
	2	3	0	0.05	0	0	0	0	1	0	1	-360	360;
	3	4	0.01	0.248	0	0	0	0	0	0	1	-360	360;
	1	4	0.01	0.1	0	0	0	0	0	0	0	-360	360;
	4	9	0.01	0.1	0	0	0	0	0	0	1	-360	360;
];
