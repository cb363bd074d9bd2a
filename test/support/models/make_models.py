"""Writes the small ONNX files beside this script: `python make_models.py`, with PyPI's onnx and numpy."""
import os
import onnx
from onnx import helper as h, TensorProto as T, numpy_helper as nh
import numpy as np
out=os.path.join(os.path.dirname(os.path.abspath(__file__)),'')
def save(name,nodes,ins,outs,init=[],opset=17,full_check=True):
    g=h.make_graph(nodes,name,ins,outs,init)
    m=h.make_model(g,opset_imports=[h.make_opsetid('',opset)],ir_version=8,producer_name='perf-ts-tests')
    onnx.checker.check_model(m,full_check=full_check)
    onnx.save(m,out+name+'.onnx')
def v(n,t,s): return h.make_tensor_value_info(n,t,s)
save('identity',[h.make_node('Identity',['INPUT0'],['OUTPUT0'])],[v('INPUT0',T.FLOAT,['N',16])],[v('OUTPUT0',T.FLOAT,['N',16])])
save('add_sub',[h.make_node('Add',['INPUT0','INPUT1'],['OUTPUT0']),h.make_node('Sub',['INPUT0','INPUT1'],['OUTPUT1'])],[v('INPUT0',T.FLOAT,['N',4]),v('INPUT1',T.FLOAT,['N',4])],[v('OUTPUT0',T.FLOAT,['N',4]),v('OUTPUT1',T.FLOAT,['N',4])])
save('dynamic_double',[h.make_node('Add',['X','X'],['Y'])],[v('X',T.FLOAT,['N','L'])],[v('Y',T.FLOAT,['N','L'])])
save('string_identity',[h.make_node('Identity',['TEXT'],['ECHO'])],[v('TEXT',T.STRING,['N',2])],[v('ECHO',T.STRING,['N',2])])
save('half_not',[h.make_node('Identity',['HALF'],['HALF_OUT']),h.make_node('Identity',['BRAIN'],['BRAIN_OUT']),h.make_node('Not',['FLAG'],['FLAG_OUT'])],[v('HALF',T.FLOAT16,['N',3]),v('BRAIN',T.BFLOAT16,['N',2]),v('FLAG',T.BOOL,['N',3])],[v('HALF_OUT',T.FLOAT16,['N',3]),v('BRAIN_OUT',T.BFLOAT16,['N',2]),v('FLAG_OUT',T.BOOL,['N',3])])
ints=['INT8','INT16','INT32','INT64','UINT8','UINT16','UINT32','UINT64','DOUBLE']
save('all_numbers',[h.make_node('Identity',[i],[i+'_OUT']) for i in ints],[v(i,getattr(T,i),[2]) for i in ints],[v(i+'_OUT',getattr(T,i),[2]) for i in ints])
save('scalar',[h.make_node('Neg',['X'],['Y'])],[v('X',T.FLOAT,['N'])],[v('Y',T.FLOAT,['N'])])
save('true_scalar',[h.make_node('Neg',['X'],['Y'])],[v('X',T.FLOAT,[])],[v('Y',T.FLOAT,[])])
# indices of non-zero elements: the output's shape depends on the values
save('nonzero',[h.make_node('NonZero',['X'],['Y'])],[v('X',T.FLOAT,['L'])],[v('Y',T.INT64,[1,'M'])])
# fails when an index is out of range
save('gather',[h.make_node('Gather',['TABLE','INDEX'],['VALUE'],axis=0)],[v('INDEX',T.INT64,['N',1])],[v('VALUE',T.FLOAT,['N',1])],[nh.from_array(np.array([10,20,30],np.float32),'TABLE')])
# a sum of squares repeated in a loop of matrix products: takes time, costs no bytes on disk
N=64
body_nodes=[h.make_node('MatMul',['a_in','W'],['m']),h.make_node('Tanh',['m'],['a_out']),h.make_node('Identity',['c_in'],['c_out'])]
body=h.make_graph(body_nodes,'body',[v('i',T.INT64,[]),v('c_in',T.BOOL,[]),v('a_in',T.FLOAT,['N',N])],[v('c_out',T.BOOL,[]),v('a_out',T.FLOAT,['N',N])])
g=h.make_graph([h.make_node('ConstantOfShape',['wshape'],['W'],value=h.make_tensor('val',T.FLOAT,[1],[0.01])),h.make_node('Loop',['trips','cond','X'],['Y'],body=body)],'busy',[v('X',T.FLOAT,['N',N])],[v('Y',T.FLOAT,['N',N])],[nh.from_array(np.array([N,N],np.int64),'wshape'),nh.from_array(np.array(400,np.int64),'trips'),nh.from_array(np.array(True),'cond')])
m=h.make_model(g,opset_imports=[h.make_opsetid('',17)],ir_version=8,producer_name='perf-ts-tests'); onnx.checker.check_model(m,full_check=True); onnx.save(m,out+'busy.onnx')
# BIAS has a value of its own (an initializer that is an input too), so a request may leave it out; its one row goes
# with any batch, which the checker's shape inference does not follow
save('optional_bias',[h.make_node('Add',['X','BIAS'],['Y'])],[v('X',T.FLOAT,['N',4]),v('BIAS',T.FLOAT,['N',4])],[v('Y',T.FLOAT,['N',4])],[nh.from_array(np.array([[1,2,3,4]],np.float32),'BIAS')],full_check=False)
save('optional_scale',[h.make_node('Mul',['X','SCALE'],['Y'])],[v('X',T.FLOAT,['L']),v('SCALE',T.FLOAT,[1])],[v('Y',T.FLOAT,['L'])],[nh.from_array(np.array([3],np.float32),'SCALE')])
# graph inputs that are graph outputs too, beside one that is computed; the file's order of outputs is nobody's
many=['X','ID','FLAG']
types=[v('X',T.FLOAT,['N',4]),v('ID',T.INT64,['N',1]),v('FLAG',T.BOOL,['N',3])]
save('pass_through',[h.make_node('Neg',['X'],['Z'])],types,[v('Z',T.FLOAT,['N',4])]+types,full_check=False)
save('pass_text',[h.make_node('Identity',['TEXT'],['ECHO'])],[v('TEXT',T.STRING,['N',1])],[v('TEXT',T.STRING,['N',1]),v('ECHO',T.STRING,['N',1])],full_check=False)
# the bodies compute nothing, so the outputs are no memory that a node writes
bare=h.make_graph([],'bare',[v('s',T.FLOAT,[4]),v('x',T.FLOAT,[4])],[v('s',T.FLOAT,[4]),v('x',T.FLOAT,[4])])
save('bare_scan',[h.make_node('Scan',['S','X'],['S_OUT','X_OUT'],body=bare,num_scan_inputs=1)],[v('S',T.FLOAT,[4]),v('X',T.FLOAT,[2,4])],[v('S_OUT',T.FLOAT,[4]),v('X_OUT',T.FLOAT,[2,4])],full_check=False)
# the length of the answer is in the request
save('grow',[h.make_node('Expand',['ID','N'],['OUT'])],[v('ID',T.INT64,[1]),v('N',T.INT64,[1])],[v('OUT',T.INT64,['M'])])
save('grow_text',[h.make_node('Expand',['zero','N'],['places']),h.make_node('Gather',['TEXT','places'],['OUT'],axis=0)],[v('TEXT',T.STRING,[1]),v('N',T.INT64,[1])],[v('OUT',T.STRING,['M'])],[nh.from_array(np.array([0],np.int64),'zero')])
